/** What of a topic's configuration decides when a record is deleted. Brokers leave out what they do not know. */
export const RETENTION_CONFIGS = [
  'cleanup.policy',
  'retention.ms',
  'retention.bytes',
  'message.timestamp.type',
  'message.timestamp.before.max.ms',
  'message.timestamp.difference.max.ms',
] as const

/** Kafka's largest number stands for no limit. */
const NO_LIMIT_MS = 2 ** 63

/**
 * How long a record is kept at least once the broker has it, ms. Undefined where its topic's configuration does not
 * tell: - Nothing is deleted by age: then somebody deleted records by hand, or retention was another one. - A partition
 * has a limit of bytes: records may go at any time. - Producers stamp records themselves (`CreateTime`, the default),
 * as old as they like. Age is counted from the stamp, so
 *   a record that arrives late may go within minutes. A limit on how old a stamp may be shortens the time by as much.
 */
export function keptAtLeastMs(config: ReadonlyMap<string, string>): number | undefined {
  const number = (name: (typeof RETENTION_CONFIGS)[number], otherwise: number): number =>
    Number(config.get(name) ?? otherwise)
  const retentionMs = number('retention.ms', -1)
  const isByAge = (config.get('cleanup.policy') ?? '').split(',').some((policy) => policy.trim() === 'delete')
  if (!isByAge || retentionMs < 0 || number('retention.bytes', 0) >= 0) return undefined
  if (config.get('message.timestamp.type') === 'LogAppendTime') return retentionMs
  const beforeMs = number('message.timestamp.before.max.ms', NO_LIMIT_MS)
  const stampAgeMs = beforeMs < NO_LIMIT_MS ? beforeMs : number('message.timestamp.difference.max.ms', NO_LIMIT_MS)
  return retentionMs > stampAgeMs ? retentionMs - stampAgeMs : undefined
}
