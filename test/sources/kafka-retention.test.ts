import { describe, expect, it } from 'vitest'
import { keptAtLeastMs } from '../../lib/sources/kafka/retention.js'

const DAY_MS = 86_400_000
/** As a broker of today answers for a topic that was made with nothing said. */
const DEFAULTS = {
  'cleanup.policy': 'delete',
  'retention.ms': String(7 * DAY_MS),
  'retention.bytes': '-1',
  'message.timestamp.type': 'CreateTime',
  'message.timestamp.before.max.ms': '9223372036854775807',
}
const BY_BROKER = { 'message.timestamp.type': 'LogAppendTime' }
const kept = (config: Record<string, string>, without = ''): number | undefined =>
  keptAtLeastMs(new Map(Object.entries({ ...DEFAULTS, ...config }).filter(([name]) => name !== without)))

describe('how long a topic keeps a record at least', () => {
  it('is its retention where the broker stamps records', () => {
    expect(kept(BY_BROKER)).toBe(7 * DAY_MS)
    expect(kept({ ...BY_BROKER, 'cleanup.policy': 'compact,delete' })).toBe(7 * DAY_MS)
    expect(kept({ ...BY_BROKER, 'cleanup.policy': 'delete, compact' })).toBe(7 * DAY_MS)
  })

  it('is not known where producers stamp records as old as they like', () => {
    expect(kept({})).toBeUndefined()
    expect(kept({}, 'message.timestamp.type')).toBeUndefined()
    expect(kept({}, 'message.timestamp.before.max.ms')).toBeUndefined()
  })

  it('is shorter by what producers may stamp too old', () => {
    expect(kept({ 'message.timestamp.before.max.ms': String(DAY_MS) })).toBe(6 * DAY_MS)
    // Brokers before 3.6 have one limit for both directions; those from 4.0 do not know it.
    expect(kept({ 'message.timestamp.difference.max.ms': String(2 * DAY_MS) })).toBe(5 * DAY_MS)
    const both = { 'message.timestamp.before.max.ms': '1000', 'message.timestamp.difference.max.ms': '2000' }
    expect(kept(both)).toBe(7 * DAY_MS - 1_000)
    expect(kept({ 'message.timestamp.before.max.ms': String(8 * DAY_MS) })).toBeUndefined()
  })

  it('is not known where nothing is deleted by age, or something by size', () => {
    expect(kept({ ...BY_BROKER, 'retention.ms': '-1' })).toBeUndefined()
    expect(kept({ ...BY_BROKER, 'cleanup.policy': 'compact' })).toBeUndefined()
    expect(kept({ ...BY_BROKER, 'retention.bytes': '1073741824' })).toBeUndefined()
    for (const name of ['cleanup.policy', 'retention.ms', 'retention.bytes'])
      expect(kept(BY_BROKER, name)).toBeUndefined()
    expect(keptAtLeastMs(new Map())).toBeUndefined()
  })
})
