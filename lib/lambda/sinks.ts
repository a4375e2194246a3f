import { ConfigError, shown } from '../base/index.js'
import type { Bindings } from '../handlers/index.js'
import { dynamodbTable } from '../sinks/dynamodb/index.js'
import { objectIn, runIn, VARIABLES } from './environment.js'

const EXAMPLE = '{"revenue":"prod-revenue"}'

/**
 * The tables of sinks, from MILLRACE_SINKS. A sink that is a file or the console on a laptop is a table here, with the items that `dynamodbTable` makes by
 * itself: a function's disk is gone with its container.
 */
export function sinksIn(
  tables = objectIn(VARIABLES.sinks, EXAMPLE),
): Pick<Bindings, 'resources'> & { readonly sink: NonNullable<Bindings['sink']> } {
  for (const [name, table] of Object.entries(tables)) {
    if (typeof table === 'string' && table !== '') continue
    throw new ConfigError(
      'bad-environment',
      `${VARIABLES.sinks} gives the sink "${name}" the table ${shown(table)}; it is JSON of tables' names by logical name, such as ${EXAMPLE}.`,
    )
  }
  return {
    resources: tables as Readonly<Record<string, string>>,
    sink: ({ name, connector }) => {
      if (connector === 'dynamodb' || !Object.hasOwn(tables, name)) return undefined
      return dynamodbTable(name).open({ pipeline: '', run: runIn(), resource: tables[name] as string })
    },
  }
}
