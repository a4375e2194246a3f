/** The settings of a topic that decide when a record is deleted. Brokers omit settings that they do not support. */
export const RETENTION_CONFIGS = [
  'cleanup.policy',
  'retention.ms',
  'retention.bytes',
  'message.timestamp.type',
  'message.timestamp.before.max.ms',
  'message.timestamp.difference.max.ms',
] as const

/** Kafka's largest number means no limit. */
const NO_LIMIT_MS = 2 ** 63

/**
 * The minimum time that a record is kept after the broker received it, ms. Undefined if the topic's configuration does
 * not determine it:
 * - Nothing is deleted by age: records were deleted by hand, or the retention was different before.
 * - A partition has a size limit: records may be deleted at any time.
 * - Producers stamp records themselves (`CreateTime`, the default), with timestamps as old as they like. Age is counted
 *   from the timestamp, so a record that arrives late may be deleted within minutes. A limit on how old a timestamp may
 *   be shortens the minimum by as much.
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
