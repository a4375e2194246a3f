import { describe, expect, it } from 'vitest'
import {
  avg,
  collect,
  count,
  custom,
  customWatermark,
  distinctCount,
  dynamodbTable,
  fileSource,
  first,
  kafkaSource,
  kinesisSource,
  last,
  max,
  maxBy,
  min,
  minBy,
  ndjson,
  outOfOrder,
  pipeline,
  stddev,
  sum,
  tumbling,
} from '../../lib/index.js'
import type { Builder } from '../../lib/pipeline/index.js'
import { checkAggregate, simulate } from '../../lib/testing/index.js'
import { type Order, orders } from './fixtures.js'

const wrong = (value: unknown) => value as never
const source = { timestamp: (o: Order) => o.at, watermark: outOfOrder('30s') }
const build = (p: Builder) => p.from(orders).to(ndjson('out'))
const keyed = (p: Builder) => p.from(orders).keyBy((o) => o.customer)
const ASYNC =
  'takes a synchronous function, so that a replay gives the same result; this one is async. Remove async, and do asynchronous work in a callback() sink.'

describe('an option that nobody reads is refused wherever options are taken', () => {
  const folds = { name: 'n', init: () => 0, add: (a: number) => a, merge: (a: number) => a, result: (a: number) => a }
  it.each<[string, (extra: object) => unknown, string, string]>([
    ['a pipeline', (extra) => pipeline('shop', extra, build), 'keyGroup', 'keyGroups'],
    ['a pipeline', (extra) => pipeline('shop', extra, build), 'dlq', 'deadLetter'],
    ['idle', (extra) => pipeline('shop', { idle: extra }, build), 'afterMs', 'after'],
    [
      'a window',
      (extra) => pipeline('shop', (p) => keyed(p).window(tumbling('1h'), extra)),
      'grace',
      'allowedLateness',
    ],
    ['kinesisSource', (extra) => kinesisSource('orders', { ...source, ...extra }), 'timeStamp', 'timestamp'],
    ['kafkaSource', (extra) => kafkaSource('orders', { ...source, ...extra }), 'watermarks', 'watermark'],
    ['fileSource', (extra) => fileSource('orders', { ...source, ...extra }), 'schemas', 'schema'],
    ['dynamodbTable', (extra) => dynamodbTable('orders', extra), 'sortkey', 'sortKey'],
    ['ndjson', (extra) => ndjson('orders', extra), 'dir', 'directory'],
    ['stddev', (extra) => stddev((o: Order) => o.amount, extra), 'off', 'of'],
    ['collect', (extra) => collect((o: Order) => o.id, extra), 'maxx', 'max'],
    ['distinctCount', (extra) => distinctCount((o: Order) => o.id, extra), 'maxx', 'max'],
    ['custom', (extra) => custom({ ...folds, ...extra }), 'merged', 'merge'],
    ['checkAggregate', (extra) => checkAggregate(count(), [1, 2], extra), 'run', 'runs'],
  ])('%s', (_, make, name, near) => {
    // If no known name is similar, the message lists all names.
    expect(() => make({ [name]: undefined })).toThrow(
      expect.objectContaining({
        code: 'unknown-option',
        message: expect.stringMatching(
          new RegExp(
            `has no option "${name}"; it has .*\\b${near}\\b.*\\.( Did you mean ${near}\\?| Leave it out\\.)$`,
          ),
        ),
      }),
    )
  })

  it('simulate', async () => {
    await expect(simulate(pipeline('shop', build), wrong({ input: {}, seeds: 1 }))).rejects.toThrow(
      'simulate() has no option "seeds"; it has input, seed, faults. Did you mean seed?',
    )
  })

  it('idle that is no object', () => {
    const make = () => pipeline('shop', { idle: wrong('1h') }, build)
    expect(make).toThrow('idle of pipeline("shop") takes its options as an object of after, close; it got "1h".')
  })
})

describe('a fold of no function is refused where it is written', () => {
  const of = (o: Order): number => o.amount
  const one: Record<string, (of: never) => unknown> = {
    count,
    sum,
    avg,
    stddev,
    min,
    max,
    first,
    last,
    collect,
    distinctCount,
  }
  it.each(Object.entries(one))('%s', (name, make) => {
    expect(() => make(wrong('driver_id'))).toThrow(
      expect.objectContaining({
        code: 'bad-aggregate',
        message: `${name}() takes a function, such as row => row.driver_id; it got "driver_id".`,
      }),
    )
    expect(() => make(wrong(null))).toThrow(`${name}() takes a function; it got null.`)
    expect(() => make(wrong(async () => 1))).toThrow(`${name}() ${ASYNC}`)
  })

  it.each(Object.entries({ minBy, maxBy }))('%s, by what and of what', (name, make) => {
    const second = `${name}(), as its second argument, takes a function; it got undefined.`
    expect(() => make(wrong('amount'), of)).toThrow(
      `${name}() takes a function, such as row => row.amount; it got "amount".`,
    )
    expect(() => (make as (...by: any[]) => unknown)(of)).toThrow(second)
    expect(() =>
      make(
        wrong(async () => 1),
        of,
      ),
    ).toThrow(ASYNC)
    expect(() => make(of, async () => 1)).toThrow(ASYNC)
  })

  it.each(['init', 'add', 'merge', 'result'])('%s of a custom one is not async', (part) => {
    const whole = { name: 'n', init: () => 0, add: (a: number) => a, merge: (a: number) => a, result: (a: number) => a }
    expect(() => custom({ ...whole, [part]: async () => 1 })).toThrow(
      expect.objectContaining({ code: 'bad-aggregate', message: `${part} of the custom aggregate "n" ${ASYNC}` }),
    )
  })

  it('nor takes stddev another kind than it has, or custom another order', () => {
    expect(() => stddev(of, { of: wrong('populaton') })).toThrow(
      `The option of of stddev() must be 'sample' or 'population'; it is "populaton".`,
    )
    expect(() => custom(wrong({ name: 'n', init: of, add: of, result: of, ordered: 'yes' }))).toThrow(
      'ordered of the custom aggregate "n" must be true or false; it is yes.',
    )
  })
})

describe('an async function is refused where it is written', () => {
  const later = wrong(async () => 1)
  it.each<[string, (p: Builder) => unknown]>([
    ['map', (p) => p.from(orders).map(later)],
    ['filter', (p) => p.from(orders).filter(later)],
    ['flatMap', (p) => p.from(orders).flatMap(later)],
    [
      'flatMap',
      (p) =>
        p.from(orders).flatMap(
          wrong(async function* () {
            yield 1
          }),
        ),
    ],
    ['sideOutput', (p) => p.from(orders).sideOutput(later, () => undefined)],
    ['keyBy', (p) => p.from(orders).keyBy(later)],
    ['timestamp of the source "orders"', () => kinesisSource('orders', { ...source, timestamp: later })],
    ['partitionKey of the source "orders"', () => kafkaSource('orders', { ...source, partitionKey: later })],
    ['customWatermark', () => customWatermark(later, '1m')],
    ['item of the table "orders"', () => dynamodbTable('orders', { item: later })],
    ['version of the table "orders"', () => dynamodbTable('orders', { version: later })],
  ])('%s', (what, make) => {
    expect(() => pipeline('shop', make)).toThrow(`${what} ${ASYNC}`)
  })
})

describe('a step that may not follow says what comes before it', () => {
  const untyped = (value: unknown) => value as any
  const KEYED =
    "keyBy() must be followed by window(), such as .window(tumbling('1h')), or by an operator with state for each key, such as aggregate(), process() or deduplicate(); other steps go before keyBy()."
  const STREAM = "A window and an aggregate need a key: .keyBy(row => row.id).window(tumbling('1h')).aggregate(…)."
  const WINDOWED = 'window() must be followed by aggregate(); other steps go before keyBy() or after aggregate().'
  const FOLDS = 'Folds are fields of an aggregate: .aggregate("name", { n: count() }).'
  it.each<[string, (p: Builder) => unknown, string]>([
    [
      'aggregate of a stream',
      (p) => untyped(p.from(orders)).aggregate('a', { n: count() }),
      `aggregate() cannot be called here. ${STREAM}`,
    ],
    [
      'window of a stream',
      (p) => untyped(p.from(orders)).window(tumbling('1h')),
      `window() cannot be called here. ${STREAM}`,
    ],
    ['count of a stream', (p) => untyped(p.from(orders)).count(), `count() cannot be called here. ${STREAM} ${FOLDS}`],
    ['map of a keyed stream', (p) => untyped(keyed(p)).map((o: Order) => o), `map() cannot be called here. ${KEYED}`],
    [
      'to of a window',
      (p) => untyped(keyed(p).window(tumbling('1h'))).to(ndjson('out')),
      `to() cannot be called here. ${WINDOWED}`,
    ],
    [
      'reduce of a window',
      (p) => untyped(keyed(p).window(tumbling('1h'))).reduce(),
      `reduce() cannot be called here. ${WINDOWED} ${FOLDS}`,
    ],
    [
      'map of a pipeline',
      (p) => untyped(p).map((o: Order) => o),
      'map() cannot be called here. A pipeline begins with its sources: p.from(source).',
    ],
  ])('%s', (_, make, message) => {
    expect(() => pipeline('shop', make)).toThrow(expect.objectContaining({ code: 'bad-step', message }))
  })

  it('and is a type error', () => {
    const make = (p: Builder) => {
      // @ts-expect-error a window, an aggregate or a process function comes first
      keyed(p).to
      // @ts-expect-error a key comes first
      p.from(orders).window
      // @ts-expect-error an aggregate comes first
      keyed(p).window(tumbling('1h')).to
      return build(p)
    }
    expect(pipeline('shop', make).nodes).toHaveLength(2)
  })
})
