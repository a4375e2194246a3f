import { isBucket } from '../aws/s3-place.js'
import { ConfigError, shown } from '../base/index.js'
import type { Bindings } from '../handlers/index.js'
import { dynamodbTable } from '../sinks/dynamodb/index.js'
import { openBucket } from '../sinks/s3/index.js'
import { objectIn, runIn, VARIABLES } from './environment.js'

const EXAMPLE = '{"revenue":"prod-revenue","dead-letter":"s3://prod-letters/revenue"}'

/**
 * The tables and buckets of sinks, from MILLRACE_SINKS. A sink that is a file or the console on a laptop becomes a
 * table here, with the items that `dynamodbTable` creates, or a bucket with one object per batch: a function's disk is
 * lost with its container.
 */
export function sinksIn(
  places = objectIn(VARIABLES.sinks, EXAMPLE),
): Pick<Bindings, 'resources'> & { readonly sink: NonNullable<Bindings['sink']> } {
  for (const [name, place] of Object.entries(places)) {
    if (typeof place === 'string' && place !== '') continue
    throw new ConfigError(
      'bad-environment',
      `${VARIABLES.sinks} gives the sink "${name}" the place ${shown(place)}; the value must be a JSON object with the name of a table, or s3://BUCKET/PREFIX, by logical name, such as ${EXAMPLE}.`,
    )
  }
  return {
    resources: places as Readonly<Record<string, string>>,
    sink: ({ name, connector }) => {
      const place = Object.hasOwn(places, name) ? (places[name] as string) : undefined
      if (place !== undefined && isBucket(place)) return openBucket(place)
      if (connector === 'dynamodb' || place === undefined) return undefined
      return dynamodbTable(name).open({ pipeline: '', run: runIn(), resource: place })
    },
  }
}
