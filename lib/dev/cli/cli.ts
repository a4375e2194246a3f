import { Command, CommanderError } from 'commander'
import { MillraceError, messageOf } from '../../base/index.js'
import { describe } from '../../pipeline/index.js'
import { ownVersion } from '../own-package.js'
import { defaultServicesFolder } from '../services/services.js'
import { type CostFlags, costCommand } from './cost-command.js'
import { type DeadLettersFlags, listDeadLettersCommand, redriveCommand } from './dead-letters-command.js'
import { type DevFlags, devCommand } from './dev-command.js'
import { type ExplainFlags, explainCommand } from './explain-command.js'
import { type InitFlags, initCommand } from './init-command.js'
import { type Io, say } from './io.js'
import { loadPipeline } from './load-pipeline.js'
import { PROGRESS_HELP } from './progress.js'
import { type RunFlags, runCommand } from './run-command.js'
import { type SendFlags, sendCommand } from './send-command.js'
import { downCommand, type ServicesFlags, servicesStatusCommand, upCommand } from './services-command.js'
import { listSplitsCommand, resetCommand, type SplitsFlags, skipCommand } from './splits-command.js'
import { createTableCommand, describeTableCommand, type TableFlags } from './table-command.js'
import { warn } from './warn.js'
import { watchCommand } from './watch-command.js'

type Finish = (code: number) => void

const collect = (value: string, all: readonly string[]): readonly string[] => [...all, value]
const STATE = 'memory, lmdb:DIRECTORY or dynamodb:TABLE (default: lmdb:.millrace/NAME/state)'
const VERBOSE = 'print each invocation, and what the handlers log, to standard error'
const PIPELINE = 'a .ts or .js file whose default export is a pipeline'

/** Where AWS is: what every command that may speak to it takes. */
function placed(command: Command): Command {
  return command
    .option('--endpoint <url>', 'of DynamoDB (default: AWS_ENDPOINT_URL_DYNAMODB, or that of the region)')
    .option('--region <name>', 'default: AWS_REGION')
    .option('--services [directory]', `use the local services of this folder (default: ${defaultServicesFolder})`)
}

function program(io: Io, finish: Finish): Command {
  const cli = new Command('millrace').description(
    'Stateful stream processing on AWS Lambda, without a cluster: run, look and repair on a laptop.',
  )
  cli.configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
  cli.exitOverride().showHelpAfterError('(millrace --help lists the commands)').version(ownVersion())
  cli
    .command('init')
    .description('write a small, working project: a pipeline, its functions, its stack, a test')
    .argument('<directory>', 'a folder that is empty or not there; its name becomes the project')
    .option(
      '--millrace <version>',
      "what the project's package.json asks for (default: the package that this command runs from)",
    )
    .action(async (directory: string, flags: InitFlags) => finish(await initCommand(directory, flags, io)))
  addRun(cli, io, finish)
  addExplain(cli, finish, io)
  addLive(cli, io, finish)
  cli
    .command('describe')
    .description("print a pipeline's graph, slices and expected writes and reads")
    .argument('<pipeline>', PIPELINE)
    .action(async (file: string) => {
      const pipeline = await loadPipeline(file)
      say(io, describe(pipeline))
      warn(pipeline, io)
    })
  cli
    .command('cost')
    .description('what a pipeline costs a month where it is deployed, beside what others would')
    .argument('<pipeline>', PIPELINE)
    .requiredOption('--rate <rate>', 'records of all sources together: 500/s, 2k/m, 1.5m/d')
    .requiredOption('--size <bytes>', 'of a record: 300B, 2KB')
    .option('--keys <n>', 'different keys within a window (default: 1000)')
    .option('--splits <n>', 'shards and partitions of all sources together (default: 4 a source)')
    .option('--shards <n>', 'of all streams together, where they are provisioned (default: streams on demand)')
    .option('--batch <n>', 'most records a batch (default: 1000)')
    .option('--pollers <n>', 'units of 20 MB/s of Kafka mappings with pollers of their own (default: 0)')
    .option(
      '--latency <duration>',
      'find the cheapest settings for it, such as 10s: from a record to the results it completes',
    )
    .option('--from-run <file>', 'take units and CPU from what "millrace run --json" printed')
    .option('--json', 'print JSON')
    .action(async (file: string, flags: CostFlags) => finish(await costCommand(file, flags, io)))
  addSplits(cli, io, finish)
  addDeadLetters(cli, io, finish)
  addTable(cli, io, finish)
  addServices(cli, io, finish)
  return cli
}

function addRun(cli: Command, io: Io, finish: Finish): void {
  placed(cli.command('run'))
    .description('run a pipeline on files to their end, with the handlers that Lambda runs')
    .argument('<pipeline>', PIPELINE)
    .option('--input <source=file>', 'an NDJSON file (.gz too) of a source; as often as needed', collect, [])
    .option('--splits <n>', 'shards or partitions a source; records are dealt by its partitionKey')
    .option('--batch <n>', 'records a batch, 1 to 10000', '1000')
    .option('--state <store>', STATE)
    .option('--out <directory>', 'where results go (default: .millrace/NAME/out)')
    .option('--chaos <seed>', 'inject kills, zombies, throttling, duplicates and other batch cuts from a seed')
    .option('--fresh', 'forget earlier state and results')
    .option('--max-rejected <n>', 'exit with 3 where more records are rejected: 10, 2.5% (default: not all of them)')
    .option('--watch', 'run from the start again at each save of the pipeline or an input, until Ctrl-C')
    .option('--show <rows>', 'print so many rows of each result at the end')
    .option('--json', 'print the summary as JSON')
    .option('--verbose', VERBOSE)
    .addHelpText('after', PROGRESS_HELP)
    .action(async (file: string, flags: RunFlags) =>
      finish(await (flags.watch ? watchCommand : runCommand)(file, flags, io)),
    )
}

function addExplain(cli: Command, finish: Finish, io: Io): void {
  cli
    .command('explain')
    .description('say what became of a record of a local run, step by step, or of all that came with a key')
    .argument('<pipeline>', PIPELINE)
    .option('--input <source=file>', 'as for "run"; as often as needed', collect, [])
    .option('--splits <n>', 'as for "run"')
    .option('--record <file:line>', 'the record that begins on a line of an input')
    .option('--key <key>', 'all records with this key, and their results')
    .option('--split <split>', 'with --position: a record as a dead letter names it')
    .option('--position <position>', 'with --split')
    .option('--json', 'print JSON')
    .action(async (file: string, flags: ExplainFlags) => finish(await explainCommand(file, flags, io)))
}

/** How live sources and sinks are found. */
function bound(command: Command): Command {
  return placed(command)
    .argument('<pipeline>', PIPELINE)
    .option('--bind <name=physical>', 'what a source or sink is called outside; as often as needed', collect, [])
    .option('--brokers <list>', 'host:port,… of Kafka (default: MILLRACE_KAFKA_BROKERS)')
    .option('--tls', 'reach Kafka by TLS')
    .option('--kafka-credentials <secret>', 'env:NAME, file:PATH or an ARN: JSON of a login or of a client certificate')
    .option('--kafka-mechanism <name>', 'plain, scram-sha-256, scram-sha-512 (default), or aws-msk-iam')
    .option('--kafka-ca <secret>', "the brokers' authority: JSON with its certificate")
    .option('--kinesis-endpoint <url>', 'default: AWS_ENDPOINT_URL_KINESIS, or that of the region')
}

function addLive(cli: Command, io: Io, finish: Finish): void {
  bound(cli.command('dev'))
    .description('run a pipeline on live Kafka topics and Kinesis streams; any number of processes may share one table')
    .option('--state <store>', STATE)
    .option('--group <id>', 'the Kafka consumer group (default: millrace-PIPELINE-SOURCE)')
    .option('--batch <n>', 'records a batch, 1 to 10000', '1000')
    .option('--tick <ms>', 'between two looks at idle splits and open windows', '5000')
    .option('--timeout <ms>', 'of an invocation', '30000')
    .option('--out <directory>', 'where file sinks go (default: .millrace/NAME/out)')
    .option('--json', 'print the summary as JSON')
    .option('--verbose', VERBOSE)
    .addHelpText('after', PROGRESS_HELP)
    .action(async (file: string, flags: DevFlags) => finish(await devCommand(file, flags, io)))
  bound(cli.command('send'))
    .description("send the lines of files to the live streams and topics of a pipeline's sources")
    .option('--input <source=file>', 'an NDJSON file (.gz too) of a source; as often as needed', collect, [])
    .option('--create <n>', 'make streams and topics that are not there, with n shards or partitions')
    .option('--rate <n>', 'records a second of each source (default: as fast as it goes)')
    .action(async (file: string, flags: SendFlags) => finish(await sendCommand(file, flags, io)))
}

function addSplits(cli: Command, io: Io, finish: Finish): void {
  const splits = cli.command('splits').description('look at splits, or free one that is stuck')
  placed(splits.command('list'))
    .description('every split with its state, position and counters')
    .argument('<pipeline>', "the pipeline's file")
    .option('--state <store>', STATE)
    .option('--json', 'print JSON')
    .action(async (file: string, flags: SplitsFlags) => finish(await listSplitsCommand(file, flags, io)))
  placed(splits.command('skip'))
    .description("reject the record right after a split's position, which kills whoever reads it")
    .argument('<pipeline>', "the pipeline's file")
    .argument('<split>', 'as "splits list" prints it')
    .option('--state <store>', STATE)
    .action(async (file: string, split: string, flags: SplitsFlags) =>
      finish(await skipCommand(file, split, flags, io)),
    )
  placed(splits.command('reset'))
    .description(
      'let a stopped split go on: after records that its source deleted unread, or from the start of a log that was made anew',
    )
    .argument('<pipeline>', "the pipeline's file")
    .argument('<split>', 'as "splits list" prints it')
    .option('--state <store>', STATE)
    .option('--now', 'do not wait a minute for attempts that are under way: nothing runs')
    .action(async (file: string, split: string, flags: SplitsFlags) =>
      finish(await resetCommand(file, split, flags, io)),
    )
}

function addDeadLetters(cli: Command, io: Io, finish: Finish): void {
  const letters = cli.command('dead-letters').description('look at rejected records, or send them again')
  placed(letters.command('list'))
    .description('how many there are, by reason and source')
    .option('--table <name>', 'that holds them')
    .option('--bucket <place>', 'or s3://BUCKET/PREFIX')
    .option('--file <file>', 'or of a local run: .millrace/NAME/out/DEAD-LETTER.ndjson')
    .option('--json', 'print JSON')
    .action(async (flags: DeadLettersFlags) => finish(await listDeadLettersCommand(flags, io)))
  bound(letters.command('redrive'))
    .description('send their records to their sources once more, and delete each that its source has')
    .option('--table <name>', 'that holds them')
    .option('--bucket <place>', 'or s3://BUCKET/PREFIX')
    .option('--reason <reason>', 'only those of this reason')
    .option('--dry-run', 'only say how many')
    .action(async (file: string, flags: DeadLettersFlags) => finish(await redriveCommand(file, flags, io)))
}

function addTable(cli: Command, io: Io, finish: Finish): void {
  const tables = cli.command('table').description('the DynamoDB table that holds state')
  placed(tables.command('create'))
    .description('make a table for state, or for the results of a dynamodbTable with the keys pk and sk')
    .argument('<table>', 'its name')
    .action(async (table: string, flags: TableFlags) => finish(await createTableCommand(table, flags, io)))
  placed(tables.command('describe'))
    .description('say what a table is, and whether it fits')
    .argument('<table>', 'its name')
    .option('--json', 'print JSON')
    .action(async (table: string, flags: TableFlags) => finish(await describeTableCommand(table, flags, io)))
}

function addServices(cli: Command, io: Io, finish: Finish): void {
  const services = cli
    .command('services')
    .description('local DynamoDB, Kinesis and Kafka, on loopback, without Docker (needs Java and Maven)')
  const command = (name: string, description: string): Command =>
    services
      .command(name)
      .description(description)
      .option('--dir <directory>', 'where their data and logs are', defaultServicesFolder)
      .option('--json', 'print JSON')
  command('up', 'start what does not run, in the background')
    .option('--only <services>', 'some of dynamodb,kinesis,kafka')
    .option('--fresh', 'forget their data first')
    .action(async (flags: ServicesFlags) => finish(await upCommand(flags, io)))
  command('down', 'end them; their data stays').action(async (flags: ServicesFlags) =>
    finish(await downCommand(flags, io)),
  )
  command('status', 'say which run, and where').action(async (flags: ServicesFlags) =>
    finish(await servicesStatusCommand(flags, io)),
  )
}

/**
 * Runs the command line. Returns the exit code: 0 done, 1 failed, 2 wrong arguments or a pipeline that cannot work, 130
 * stopped.
 */
export async function main(args: readonly string[], io: Io = process): Promise<number> {
  let code = 0
  try {
    await program(io, (given) => {
      code = given
    }).parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    io.stderr.write(`error: ${messageOf(error)}\n`)
    if (error instanceof MillraceError) return error.name === 'ConfigError' ? 2 : 1
    io.stderr.write(`${(error as Error).stack}\n`)
    return 1
  }
}
