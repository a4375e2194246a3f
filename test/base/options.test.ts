import { describe, expect, it } from 'vitest'
import { ConfigError, checkOptions, nearest } from '../../lib/base/index.js'

interface Options {
  readonly offset?: string
  readonly allowedLateness?: string
  readonly late?: string
}
const KNOWN = { offset: true, allowedLateness: true, late: true }
const tried = (options: unknown) => () => checkOptions<Options>('window()', options as Options, KNOWN)
const HAS = 'it has offset, allowedLateness, late.'

describe('checkOptions', () => {
  it.each<unknown>([undefined, null, {}, { offset: '1h' }, { late: undefined }, Object.create({ grace: 1 })])(
    'takes %o',
    (options) => {
      expect(tried(options)).not.toThrow()
    },
  )

  it.each<[string, string]>([
    ['alowedLateness', 'Did you mean allowedLateness?'],
    ['allowedlateness', 'Did you mean allowedLateness?'],
    ['lateness', 'Did you mean allowedLateness?'],
    ['grace', 'Did you mean allowedLateness?'],
    ['gracePeriod', 'Did you mean allowedLateness?'],
    ['timeZone', 'Did you mean offset?'],
    ['ofset', 'Did you mean offset?'],
    ['sideOutputLateData', 'Did you mean late?'],
    ['colour', 'Leave it out.'],
    ['constructor', 'Leave it out.'],
    ['', 'Leave it out.'],
  ])('refuses %j', (name, fix) => {
    const message = `window() has no option "${name}"; ${HAS} ${fix}`
    expect(tried({ [name]: 1 })).toThrow(ConfigError)
    expect(tried({ [name]: undefined })).toThrow(expect.objectContaining({ code: 'unknown-option', message }))
  })

  it.each<[unknown, string]>([
    ['1h', '"1h"'],
    [5, '5'],
    [true, 'true'],
    [['1h'], '["1h"]'],
  ])('refuses %j in the place of options', (given, shown) => {
    const message = `window() takes its options as an object of offset, allowedLateness, late; it got ${shown}.`
    expect(tried(given)).toThrow(expect.objectContaining({ code: 'bad-options', message }))
  })

  it('an option that a list lacks is a type error', () => {
    // @ts-expect-error late is missing
    checkOptions<Options>('window()', {}, { offset: true, allowedLateness: true })
  })
})

describe('nearest', () => {
  const names = ['batchSize', 'maxBatchingWindow', 'startingPosition', 'topic']
  it.each([
    ['batchsize', 'batchSize'],
    ['batchSizes', 'batchSize'],
    ['batchWindow', undefined],
    ['maxBatchWindow', 'maxBatchingWindow'],
    ['topics', 'topic'],
    ['tpoic', undefined],
    ['autoOffsetReset', 'startingPosition'],
    ['grace', undefined],
    ['schemaRegistryConfig', undefined],
  ])('of %s is %s', (name, near) => {
    expect(nearest(name, names)).toBe(near)
  })
})
