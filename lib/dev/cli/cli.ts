import { Command, CommanderError } from 'commander'
import { MillraceError, messageOf } from '../../base/index.js'
import { describe } from '../../pipeline/index.js'
import type { Io } from './io.js'
import { loadPipeline } from './load-pipeline.js'
import { type RunFlags, runCommand } from './run-command.js'
import { listSplitsCommand, type SplitsFlags, skipCommand } from './splits-command.js'

const collect = (value: string, all: readonly string[]): readonly string[] => [...all, value]

function program(io: Io, finish: (code: number) => void): Command {
  const cli = new Command('millrace').description(
    'Stateful stream processing on AWS Lambda, without a cluster: run, look and repair on a laptop.',
  )
  cli.configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
  cli.exitOverride().showHelpAfterError('(millrace --help lists the commands)').version('0.1.0')
  cli
    .command('run')
    .description('run a pipeline on files to their end, with the handlers that Lambda runs')
    .argument('<pipeline>', 'a .ts or .js file whose default export is a pipeline')
    .option('--input <source=file>', 'an NDJSON file (.gz too) of a source; as often as needed', collect, [])
    .option('--splits <n>', 'shards or partitions a source; records are dealt by its partitionKey')
    .option('--batch <n>', 'records a batch, 1 to 10000', '1000')
    .option('--state <store>', 'memory or lmdb:DIRECTORY (default: lmdb:.millrace/NAME/state)')
    .option('--out <directory>', 'where results go (default: .millrace/NAME/out)')
    .option('--chaos <seed>', 'inject kills, zombies, throttling, duplicates and other batch cuts from a seed')
    .option('--fresh', 'forget earlier state and results')
    .option('--json', 'print the summary as JSON')
    .option('--verbose', "print the handlers' logs to standard error")
    .action(async (file: string, flags: RunFlags) => finish(await runCommand(file, flags, io)))
  cli
    .command('describe')
    .description("print a pipeline's graph, slices and expected writes and reads")
    .argument('<pipeline>', 'a .ts or .js file whose default export is a pipeline')
    .action(async (file: string) => {
      io.stdout.write(`${describe(await loadPipeline(file))}\n`)
    })
  const splits = cli.command('splits').description('look at splits, or free one that a record blocks')
  splits
    .command('list')
    .description('every split with its state, position and counters')
    .argument('<pipeline>', "the pipeline's file")
    .option('--state <store>', 'lmdb:DIRECTORY (default: lmdb:.millrace/NAME/state)')
    .option('--json', 'print JSON')
    .action(async (file: string, flags: SplitsFlags) => finish(await listSplitsCommand(file, flags, io)))
  splits
    .command('skip')
    .description("reject the record right after a split's position, which kills whoever reads it")
    .argument('<pipeline>', "the pipeline's file")
    .argument('<split>', 'as "splits list" prints it')
    .option('--state <store>', 'lmdb:DIRECTORY (default: lmdb:.millrace/NAME/state)')
    .action(async (file: string, split: string, flags: SplitsFlags) =>
      finish(await skipCommand(file, split, flags, io)),
    )
  return cli
}

/** Runs the command line. Returns the exit code: 0 done, 1 failed, 2 wrong arguments or a pipeline that cannot work, 130 stopped. */
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
