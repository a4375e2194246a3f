import { basename, dirname, relative, resolve } from 'node:path'
import type { RunFlags } from './run-command.js'

const PLAIN = /^[\w@%+=:,./-]+$/

/** The arguments of a `millrace run` that starts over, from those of one. */
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
    ...given('--show', flags.show),
    '--fresh',
  ]
}

/** The same as it is typed. */
export function freshCommand(file: string, flags: RunFlags): string {
  const quoted = (text: string): string => (PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)
  return ['millrace', ...freshArguments(file, flags).map(quoted)].join(' ')
}

/**
 * What is said first where results are of other code than that of now. `changed` are paths from the folder of `file`.
 */
export function staleText(
  file: string,
  { changed, complete }: { readonly changed: readonly string[]; readonly complete: boolean },
  command: string,
): string {
  const folder = dirname(resolve(file))
  const names = changed.map((name) => relative(process.cwd(), resolve(folder, name)) || basename(name))
  const few = names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
  const were = names.length === 1 ? 'was' : 'were'
  return complete
    ? `These results are of older code: ${few} ${were} changed since. To run the code of now: ${command}`
    : `${few} ${were} changed since this run began: what it has counted so far is by the older code. To start over: ${command}`
}
