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
const VERBOSE = 'print each invocation, and the log lines of the handlers, to standard error'
const PIPELINE = 'a .ts or .js file whose default export is a pipeline'

/** Adds the options that locate AWS services. Every command that may call AWS has them. */
function placed(command: Command): Command {
  return command
    .option('--endpoint <url>', "endpoint of DynamoDB (default: AWS_ENDPOINT_URL_DYNAMODB, or the region's endpoint)")
    .option('--region <name>', 'AWS region (default: AWS_REGION)')
    .option('--services [directory]', `use the local services of this directory (default: ${defaultServicesFolder})`)
}

function program(io: Io, finish: Finish): Command {
  const cli = new Command('millrace').description(
    'Stateful stream processing on AWS Lambda, without a cluster: run, inspect and repair pipelines on a laptop.',
  )
  cli.configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
  cli.exitOverride().showHelpAfterError('(millrace --help lists the commands)').version(ownVersion())
  cli
    .command('init')
    .description('create a small, working project: a pipeline, its functions, its stack and a test')
    .argument('<directory>', 'a directory that is empty or does not exist; its name becomes the name of the project')
    .option(
      '--millrace <version>',
      "the version of millrace in the project's package.json (default: the package that this command runs from)",
    )
    .action(async (directory: string, flags: InitFlags) => finish(await initCommand(directory, flags, io)))
  addRun(cli, io, finish)
  addExplain(cli, finish, io)
  addLive(cli, io, finish)
  cli
    .command('describe')
    .description("print a pipeline's graph, slices, and its expected writes and reads")
    .argument('<pipeline>', PIPELINE)
    .action(async (file: string) => {
      const pipeline = await loadPipeline(file)
      say(io, describe(pipeline))
      warn(pipeline, io)
    })
  cli
    .command('cost')
    .description('estimate what a deployed pipeline costs per month, and compare it with other systems')
    .argument('<pipeline>', PIPELINE)
    .requiredOption('--rate <rate>', 'records of all sources together, such as 500/s, 2k/m or 1.5m/d')
    .requiredOption('--size <bytes>', 'size of a record, such as 300B or 2KB')
    .option('--keys <n>', 'distinct keys within a window (default: 1000)')
    .option('--splits <n>', 'shards and partitions of all sources together (default: 4 per source)')
    .option('--shards <n>', 'provisioned shards of all streams together (default: on-demand streams)')
    .option('--batch <n>', 'maximum records per batch (default: 1000)')
    .option('--pollers <n>', 'event poller units of Kafka mappings in provisioned mode, 20 MB/s each (default: 0)')
    .option(
      '--latency <duration>',
      'find the cheapest settings for this latency, such as 10s, from a record to the results that it completes',
    )
    .option('--from-run <file>', 'take units and CPU from the output of "millrace run --json"')
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
    .description('run a pipeline on files until all input is processed, with the handlers that Lambda runs')
    .argument('<pipeline>', PIPELINE)
    .option('--input <source=file>', 'an NDJSON file of a source, plain or gzipped; may be repeated', collect, [])
    .option(
      '--splits <n>',
      "shards or partitions per source; records are assigned to them by the source's partitionKey",
    )
    .option('--batch <n>', 'maximum records per batch, 1 to 10000', '1000')
    .option('--state <store>', STATE)
    .option('--out <directory>', 'where results are written (default: .millrace/NAME/out)')
    .option('--chaos <seed>', 'inject kills, zombies, throttling, duplicates and other batch sizes, from a seed')
    .option('--fresh', 'delete earlier state and results first')
    .option(
      '--max-rejected <n>',
      'exit with 3 if more records are rejected, such as 10 or 2.5% (default: fewer than all)',
    )
    .option('--watch', 'run again from the start whenever the pipeline or an input is saved, until Ctrl-C')
    .option('--show <rows>', 'print this many rows of each result at the end')
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
    .description('show what happened to a record of a local run, step by step, or to all records with a key')
    .argument('<pipeline>', PIPELINE)
    .option('--input <source=file>', 'as for "run"; may be repeated', collect, [])
    .option('--splits <n>', 'as for "run"')
    .option('--record <file:line>', 'the record that begins on this line of an input')
    .option('--key <key>', 'all records with this key, and their results')
    .option('--split <split>', 'with --position: the record that a dead letter names')
    .option('--position <position>', 'with --split: the position that the dead letter names')
    .option('--json', 'print JSON')
    .action(async (file: string, flags: ExplainFlags) => finish(await explainCommand(file, flags, io)))
}

/** Adds the options that locate live sources and sinks. */
function bound(command: Command): Command {
  return placed(command)
    .argument('<pipeline>', PIPELINE)
    .option('--bind <name=physical>', 'the physical name of a source or sink; may be repeated', collect, [])
    .option('--brokers <list>', 'Kafka brokers, host:port,… (default: MILLRACE_KAFKA_BROKERS)')
    .option('--tls', 'connect to Kafka with TLS')
    .option('--kafka-credentials <secret>', 'env:NAME, file:PATH or an ARN: JSON with a login or a client certificate')
    .option('--kafka-mechanism <name>', 'plain, scram-sha-256, scram-sha-512 (default) or aws-msk-iam')
    .option('--kafka-ca <secret>', 'the certificate authority of the brokers: JSON with its certificate')
    .option(
      '--kinesis-endpoint <url>',
      "endpoint of Kinesis (default: AWS_ENDPOINT_URL_KINESIS, or the region's endpoint)",
    )
}

function addLive(cli: Command, io: Io, finish: Finish): void {
  bound(cli.command('dev'))
    .description('run a pipeline on live Kafka topics and Kinesis streams; any number of processes may share one table')
    .option('--state <store>', STATE)
    .option('--group <id>', 'the Kafka consumer group (default: millrace-PIPELINE-SOURCE)')
    .option('--batch <n>', 'maximum records per batch, 1 to 10000', '1000')
    .option('--tick <ms>', 'interval of the tick, which checks idle splits and open windows', '5000')
    .option('--timeout <ms>', 'timeout of an invocation', '30000')
    .option('--out <directory>', 'where file sinks write (default: .millrace/NAME/out)')
    .option('--json', 'print the summary as JSON')
    .option('--verbose', VERBOSE)
    .addHelpText('after', PROGRESS_HELP)
    .action(async (file: string, flags: DevFlags) => finish(await devCommand(file, flags, io)))
  bound(cli.command('send'))
    .description("send the lines of files to the live streams and topics of a pipeline's sources")
    .option('--input <source=file>', 'an NDJSON file of a source, plain or gzipped; may be repeated', collect, [])
    .option('--create <n>', 'create missing streams and topics, with n shards or partitions')
    .option('--rate <n>', 'records per second for each source (default: no limit)')
    .action(async (file: string, flags: SendFlags) => finish(await sendCommand(file, flags, io)))
}

function addSplits(cli: Command, io: Io, finish: Finish): void {
  const splits = cli.command('splits').description('list splits, or repair one that is stuck')
  placed(splits.command('list'))
    .description('list every split with its state, position and counters')
    .argument('<pipeline>', "the pipeline's file")
    .option('--state <store>', STATE)
    .option('--json', 'print JSON')
    .action(async (file: string, flags: SplitsFlags) => finish(await listSplitsCommand(file, flags, io)))
  placed(splits.command('skip'))
    .description("reject the record right after a split's position, because it kills every process that reads it")
    .argument('<pipeline>', "the pipeline's file")
    .argument('<split>', 'as "splits list" prints it')
    .option('--state <store>', STATE)
    .action(async (file: string, split: string, flags: SplitsFlags) =>
      finish(await skipCommand(file, split, flags, io)),
    )
  placed(splits.command('reset'))
    .description(
      'resume a stopped split: after records that its source deleted unread, or from the start of a recreated log',
    )
    .argument('<pipeline>', "the pipeline's file")
    .argument('<split>', 'as "splits list" prints it')
    .option('--state <store>', STATE)
    .option('--now', 'do not wait a minute for attempts in flight, because nothing is running')
    .action(async (file: string, split: string, flags: SplitsFlags) =>
      finish(await resetCommand(file, split, flags, io)),
    )
}

function addDeadLetters(cli: Command, io: Io, finish: Finish): void {
  const letters = cli.command('dead-letters').description('list rejected records, or send them again')
  placed(letters.command('list'))
    .description('count dead letters by reason and source')
    .option('--table <name>', 'the table that holds them')
    .option('--bucket <place>', 'or the bucket that holds them: s3://BUCKET/PREFIX')
    .option('--file <file>', 'or the file of a local run: .millrace/NAME/out/DEAD-LETTER.ndjson')
    .option('--json', 'print JSON')
    .action(async (flags: DeadLettersFlags) => finish(await listDeadLettersCommand(flags, io)))
  bound(letters.command('redrive'))
    .description(
      'send the records of dead letters to their sources again, and delete each dead letter once its record is sent',
    )
    .option('--table <name>', 'the table that holds them')
    .option('--bucket <place>', 'or the bucket that holds them: s3://BUCKET/PREFIX')
    .option('--reason <reason>', 'only dead letters with this reason')
    .option('--dry-run', 'only print how many would be sent')
    .action(async (file: string, flags: DeadLettersFlags) => finish(await redriveCommand(file, flags, io)))
}

function addTable(cli: Command, io: Io, finish: Finish): void {
  const tables = cli.command('table').description('create or describe the DynamoDB table that holds state')
  placed(tables.command('create'))
    .description('create a table for state, or for the results of a dynamodbTable with the keys pk and sk')
    .argument('<table>', 'name of the table')
    .action(async (table: string, flags: TableFlags) => finish(await createTableCommand(table, flags, io)))
  placed(tables.command('describe'))
    .description('describe a table, and report whether it is suitable')
    .argument('<table>', 'name of the table')
    .option('--json', 'print JSON')
    .action(async (table: string, flags: TableFlags) => finish(await describeTableCommand(table, flags, io)))
}

function addServices(cli: Command, io: Io, finish: Finish): void {
  const services = cli
    .command('services')
    .description('run DynamoDB, Kinesis and Kafka locally, on loopback, without Docker (needs Java and Maven)')
  const command = (name: string, description: string): Command =>
    services
      .command(name)
      .description(description)
      .option('--dir <directory>', 'directory of their data and logs', defaultServicesFolder)
      .option('--json', 'print JSON')
  command('up', 'start the services that are not running, in the background')
    .option('--only <services>', 'start only these of dynamodb,kinesis,kafka')
    .option('--fresh', 'delete their data first')
    .action(async (flags: ServicesFlags) => finish(await upCommand(flags, io)))
  command('down', 'stop the services; their data is kept').action(async (flags: ServicesFlags) =>
    finish(await downCommand(flags, io)),
  )
  command('status', 'show which services run, and where').action(async (flags: ServicesFlags) =>
    finish(await servicesStatusCommand(flags, io)),
  )
}

/**
 * Runs the command line. Returns the exit code: 0 done, 1 failed, 2 wrong arguments or a pipeline that cannot work, 130
 * stopped by the user. A run that rejected too many records returns 3.
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
