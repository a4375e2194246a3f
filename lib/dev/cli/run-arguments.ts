import { basename, dirname, relative, resolve } from 'node:path'
import type { RunFlags } from './run-command.js'

const PLAIN = /^[\w@%+=:,./-]+$/

/** The arguments of a `millrace run` that starts over, derived from the arguments of a run. */
export function freshArguments(file: string, flags: RunFlags): string[] {
  const given = (flag: string, value: string | undefined): string[] => (value === undefined ? [] : [flag, value])
  return [
    'run',
    file,
    ...(flags.input ?? []).flatMap((input) => ['--input', input]),
    ...given('--splits', flags.splits),
    ...given('--batch', flags.batch === '1000' ? undefined : flags.batch),
    ...given('--state', flags.state),
    ...given('--out', flags.out),
    ...given('--endpoint', flags.endpoint),
    ...given('--region', flags.region),
    ...(flags.services === undefined ? [] : flags.services === true ? ['--services'] : ['--services', flags.services]),
    ...given('--chaos', flags.chaos),
    ...given('--max-rejected', flags.maxRejected),
    ...given('--show', flags.show),
    '--fresh',
  ]
}

/** The same arguments as a command line for a shell. */
export function freshCommand(file: string, flags: RunFlags): string {
  const quoted = (text: string): string => (PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)
  return ['millrace', ...freshArguments(file, flags).map(quoted)].join(' ')
}

/**
 * The notice that results were computed by code that has changed since. `changed` are paths relative to the folder of
 * `file`.
 */
export function staleText(
  file: string,
  { changed, complete }: { readonly changed: readonly string[]; readonly complete: boolean },
  command: string,
): string {
  const folder = dirname(resolve(file))
  const names = changed.map((name) => relative(process.cwd(), resolve(folder, name)) || basename(name))
  const few = names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
  const have = names.length === 1 ? 'has' : 'have'
  return complete
    ? `These results were computed by older code: ${few} ${have} changed since. To run the current code: ${command}`
    : `${few} ${have} changed since this run began: its results so far were computed by the older code. To start over: ${command}`
}
