import { describe, expect, it } from 'vitest'
import { type Aggregate, count, max, sum } from '../../lib/aggregate/index.js'
import { ConfigError } from '../../lib/base/index.js'
import { aggregate, list, map, value } from '../../lib/keyed/index.js'
import {
  type Accumulation,
  type Builder,
  hostDeadLetter,
  operatorNamed,
  pipeline,
  plan,
  type Stream,
} from '../../lib/pipeline/index.js'
import type { SourceNode } from '../../lib/ports/index.js'
import { tumbling } from '../../lib/window/index.js'
import { legacy, type Order, orders, sink, source } from './fixtures.js'

const rows = { rows: count<any>() }
const key = (row: any): string => row.customer
const windowed = (p: Builder, options?: object) => p.from(orders).keyBy(key).window(tumbling('1h'), options)
const hourly = (stream: Stream<any>, name: string, options?: object) =>
  stream.keyBy(key).window(tumbling('1h'), options).aggregate(name, rows)
const never = () => undefined
const wrong = (value: unknown) => value as never

type Case = [what: string, build: (p: Builder) => unknown, code: string, message: string | RegExp]

function refuses(cases: readonly Case[]): void {
  it.each(cases)('%s', (_, build, code, message) => {
    const make = () => pipeline('shop', build)
    expect(make).toThrow(ConfigError)
    const said = typeof message === 'string' ? message : expect.stringMatching(message)
    expect(make).toThrow(expect.objectContaining({ code, message: said }))
  })
}

const NAME = (what: string, given: string) =>
  `The name of a ${what} must have 1 to 64 letters, digits, '.', '_' or '-', and start with a letter; it is ${given}.`
const SINK = (what: string) => `${what} takes a sink, such as one that ndjson(), consoleSink() or callback() returns.`
const NOWHERE = (what: string) => `The rows of ${what} go nowhere. End the stream with .to(sink), or remove the step.`

describe('operators over rows refuse', () => {
  const call =
    (method: string, ...args: any[]) =>
    (p: Builder) => {
      const keyed: any = p.from(orders).keyBy(key)
      const made = keyed[method](...args)
      return (method === 'countWindow' ? made.aggregate('c', rows) : made).to(sink('out'))
    }
  const by = (row: any) => row.amount
  const dedupe = (options: any) => call('deduplicate', 'd', options)
  refuses([
    [
      'no name',
      call('lag', { offset: 1 }),
      'bad-operator',
      "lag() takes a name, then its options: .lag('previous', { offset: 1 }, (row, previous) => …); the name is an object.",
    ],
    ['a bad name', call('lag', 'no name', {}), 'bad-name', NAME('stateful step', '"no name"')],
    [
      'no options',
      call('deduplicate', 'd'),
      'bad-operator',
      `deduplicate("d") takes its options after its name: .deduplicate('unique', { keep: 'first', within: '1h' }); it got undefined.`,
    ],
    [
      'an unknown option',
      dedupe({ keep: 'first', with: '1h' }),
      'unknown-option',
      'deduplicate("d") has no option "with"; it has keep, within, by, every. Did you mean within?',
    ],
    [
      'no keep',
      dedupe({ within: '1h' }),
      'bad-operator',
      `keep of deduplicate("d") must be 'first' or 'last'; it is undefined.`,
    ],
    [
      'state for ever that nobody asked for',
      dedupe({ keep: 'first' }),
      'bad-operator',
      `deduplicate("d") needs within: how far apart duplicates may be, such as '1h'. State is freed then. Without a limit, each key would stay in the state: if you want that, write within: 'forever'.`,
    ],
    [
      'a last row that is never given',
      dedupe({ keep: 'last', within: 'forever' }),
      'bad-operator',
      `deduplicate("d") gives the last row when no newer one has come for within, so it cannot be 'forever'.`,
    ],
    [
      'no within of a last row',
      dedupe({ keep: 'last' }),
      'bad-operator',
      /^deduplicate\("d"\) needs within: .* The last row is given when no newer one has come for so long\.$/,
    ],
    [
      'a by that is no function',
      dedupe({ keep: 'first', within: '1h', by: 'id' }),
      'bad-operator',
      'by of deduplicate("d") takes a function, such as row => row.id; it got "id".',
    ],
    [
      'a length of a slice that is too short',
      dedupe({ keep: 'first', within: '1h', every: 1 }),
      'bad-duration',
      /^every of deduplicate\("d"\) must be between 100ms and /,
    ],
    [
      'an offset of 0',
      call('lag', 'l', { offset: 0 }),
      'bad-operator',
      'offset of lag("l") must be a whole number from 1 to 1000; it is 0.',
    ],
    [
      'a function of lag that is async',
      call('lag', 'l', {}, async () => 1),
      'bad-operator',
      /^The function of lag\("l"\) takes a synchronous function/,
    ],
    [
      'no timeout',
      call('lead', 'l', {}),
      'bad-operator',
      `lead("l") needs a timeout, such as '1h': the last rows of a key would otherwise wait for ever for the ones after them.`,
    ],
    [
      'a timeout of 0',
      call('lead', 'l', { timeout: 0 }),
      'bad-duration',
      /^timeout of lead\("l"\) must be between 1ms/,
    ],
    [
      'no n',
      call('topN', 't', { by }),
      'bad-operator',
      'n of topN("t") must be a whole number from 1 to 1000; it is undefined.',
    ],
    ['no by', call('rank', 'r', { n: 1 }), 'bad-operator', 'by of rank("r") takes a function; it got undefined.'],
    [
      'another order',
      call('topN', 't', { n: 1, by, order: 'largest' }),
      'bad-operator',
      `order of topN("t") must be 'highest' or 'lowest'; it is "largest".`,
    ],
    [
      'an identity of rank',
      call('rank', 'r', { n: 1, by, identity: key }),
      'unknown-option',
      'rank("r") has no option "identity"; it has n, by, order, ttl, every. Leave it out.',
    ],
    [
      'a size of a count window that is no number',
      call('countWindow', '5m'),
      'bad-operator',
      'The size of countWindow() must be a whole number from 1 to 1000000; it is "5m".',
    ],
    [
      'a timeout of windows that overlap',
      call('countWindow', 4, { slide: 2, timeout: '1m' }),
      'bad-operator',
      'countWindow() has a timeout and a slide of 2: windows that overlap have no first row of their own. Leave one of them out.',
    ],
    [
      'a ttl of windows that do not overlap',
      call('countWindow', 4, { ttl: '1m' }),
      'bad-operator',
      'countWindow() has a ttl but no slide: the rows of an incomplete window would be lost. Use timeout, which gives their result.',
    ],
    [
      'a sliding window of too many parts',
      call('countWindow', 1_001, { slide: 2 }),
      'bad-operator',
      'A window of countWindow("c") would be kept in 1001 parts; the maximum is 1000. Use a smaller size, or a slide that divides it: size 1001, slide 2.',
    ],
    [
      'a fold alone',
      (p) => (p.from(orders).keyBy(key).countWindow(3) as any).aggregate('c', count()),
      'bad-operator',
      'countWindow("c") takes its folds by field, such as { n: count() }; it got count() alone.',
    ],
    [
      'neither rows nor a range',
      call('over', 'o', {}, rows),
      'bad-operator',
      'over("o") needs rows, range or both: how many rows it folds, or of how much event time.',
    ],
    [
      'too many rows',
      call('over', 'o', { rows: 1_001 }, rows),
      'bad-operator',
      'rows of over("o") must be a whole number from 1 to 1000; it is 1001.',
    ],
    [
      'a range and a ttl',
      call('over', 'o', { range: '1h', ttl: '1h' }, rows),
      'bad-operator',
      'over("o") has a range, which frees its rows: leave ttl out.',
    ],
    [
      'no folds',
      call('over', 'o', { rows: 2 }),
      'bad-operator',
      'over("o") needs at least one fold, such as { rows: count() }.',
    ],
    [
      'a field that is no fold',
      call('over', 'o', { rows: 2 }, { n: 1 }),
      'bad-operator',
      'Field "n" of over("o") is not a fold. Use a function such as count(), sum() or custom().',
    ],
    [
      'rows that are taken back',
      (p) =>
        windowed(p, { allowedLateness: '1m', accumulation: 'retracting' })
          .aggregate('hourly', rows)
          .keyBy(({ key }) => key)
          .lag('l', {})
          .to(sink('out')),
      'chained-no-inverse',
      `"l" (lag) reads the retracting "hourly", but it cannot take rows back. Give "hourly" accumulation: 'discarding' or emit: 'final', or neither early results nor allowedLateness.`,
    ],
    [
      'rows that are counted again',
      (p) =>
        windowed(p, { allowedLateness: '1m' })
          .aggregate('hourly', rows)
          .keyBy(({ key }) => key)
          .deduplicate('d', { keep: 'first', within: '1h' })
          .to(sink('out')),
      'chained-accumulating',
      /^"d" reads the results of "hourly", whose early or late panes would count rows again\./,
    ],
    [
      'rows that go nowhere',
      (p) => p.from(orders).keyBy(key).deduplicate('d', { keep: 'first', within: '1h' }),
      'no-sink',
      NOWHERE('the deduplicate "d"'),
    ],
    [
      'rows without a key',
      (p) => (p.from(orders) as any).deduplicate('d', { keep: 'first', within: '1h' }),
      'bad-step',
      'deduplicate() cannot be called here. It needs a key: .keyBy(row => row.id).deduplicate(…).',
    ],
    [
      'the name that Spark has',
      (p) => (p.from(orders).keyBy(key) as any).dropDuplicatesWithinWatermark(),
      'bad-step',
      'There is no dropDuplicatesWithinWatermark(). Use deduplicate().',
    ],
    [
      'the name that Spark has, of rows without a key',
      (p) => (p.from(orders) as any).dropDuplicates(),
      'bad-step',
      'dropDuplicates() cannot be called here. It needs a key: .keyBy(row => row.id).deduplicate(…).',
    ],
    [
      'a count window that goes nowhere',
      (p) => (p.from(orders).keyBy(key).countWindow(3) as any).to(sink('out')),
      'bad-step',
      'to() cannot be called here. countWindow() must be followed by aggregate(); other steps go before keyBy() or after aggregate().',
    ],
  ])
})

describe('process() refuses', () => {
  const process =
    (...args: any[]) =>
    (p: Builder) =>
      (p.from(orders).keyBy(key).process as any).apply(p.from(orders).keyBy(key), args).to(sink('out'))
  const onRow = () => []
  const SYNC =
    'takes a synchronous function, so that a replay gives the same result; this one is async. Remove async, and do asynchronous work in a callback() sink.'
  const STATE = (is: string) =>
    `The state "seen" of process("p") must be created with value(), map(), list() or aggregate(); it is ${is}.`
  refuses([
    [
      'no name',
      process({}, { onRow }),
      'bad-process',
      'process() takes a name, its options, then its handlers; the name is an object.',
    ],
    ['a bad name', process('no name', {}, { onRow }), 'bad-name', NAME('stateful step', '"no name"')],
    [
      'handlers in place of options',
      process('p', { onRow }),
      'bad-process',
      'process("p") takes its handlers after its options, which may be empty: .process("p", {}, { onRow(ctx, row) { … } }).',
    ],
    [
      'an unknown option',
      process('p', { states: {} }, { onRow }),
      'unknown-option',
      'process("p") has no option "states"; it has state, ttl, every. Did you mean state?',
    ],
    [
      'an unknown handler',
      process('p', {}, { onRow, onTimers: onRow }),
      'unknown-option',
      'The object of handlers of process("p") has no option "onTimers"; it has onRow, onTimer. Did you mean onTimer?',
    ],
    ['no onRow', process('p', {}, {}), 'bad-process', 'onRow of process("p") takes a function; it got undefined.'],
    ['an async onRow', process('p', {}, { onRow: async () => [] }), 'bad-process', `onRow of process("p") ${SYNC}`],
    [
      'an async generator as onTimer',
      process('p', {}, { onRow, async *onTimer() {} }),
      'bad-process',
      `onTimer of process("p") ${SYNC}`,
    ],
    [
      'an onTimer that is text',
      process('p', {}, { onRow, onTimer: 'day' }),
      'bad-process',
      /^onTimer of process\("p"\) takes a function, /,
    ],
    ['a state that is a value', process('p', { state: { seen: 0 } }, { onRow }), 'bad-state', STATE('0')],
    [
      'a fold as a state',
      process('p', { state: { seen: count() } }, { onRow }),
      'bad-state',
      STATE('a fold. Write aggregate(…) around it'),
    ],
    [
      'states in an array',
      process('p', { state: [] }, { onRow }),
      'bad-state',
      'state of process("p") is an object such as { seen: value(0) }; it is an array.',
    ],
    [
      'a bad name of a state',
      process('p', { state: { __proto: value(0) } }, { onRow }),
      'bad-name',
      NAME('state', '"__proto"'),
    ],
    [
      'a ttl of nothing',
      process('p', { ttl: 0 }, { onRow }),
      'bad-duration',
      /^ttl of process\("p"\) must be between 1ms and /,
    ],
    [
      'slices that are too short',
      process('p', { every: '50ms' }, { onRow }),
      'bad-duration',
      /^every of process\("p"\) must be between 100ms and /,
    ],
    [
      'slices that are too long',
      process('p', { every: '2h' }, { onRow }),
      'bad-duration',
      'every of process("p") may be at most 1h; it is 2h.',
    ],
    [
      'two steps of one name',
      (p) => {
        const keyed = p.from(orders).keyBy(key)
        keyed.process('p', {}, { onRow }).to(sink('a'))
        keyed.process('p', {}, { onRow }).to(sink('b'))
      },
      'name-taken',
      /"p"/,
    ],
    [
      'rows that go nowhere',
      (p) => p.from(orders).keyBy(key).process('p', {}, { onRow }),
      'no-sink',
      NOWHERE('the process "p"'),
    ],
  ])

  it.each<[string, () => unknown, string]>([
    ['value()', () => value(undefined), 'The initial value of value() must consist of JSON values'],
    ['list()', () => list({ max: 0 }), 'The max of list() must be a whole number from 1 to 100000; it is 0.'],
    ['list()', () => list({ max: 1.5 }), 'The max of list() must be a whole number from 1 to 100000; it is 1.5.'],
    ['aggregate()', () => aggregate(wrong(5)), 'aggregate() takes a fold, such as count() or sum(); it got 5.'],
  ])('what %s cannot keep', (_, make, message) => {
    expect(make).toThrow(expect.objectContaining({ code: 'bad-state', message: expect.stringContaining(message) }))
  })

  it.each<[string, (options: any) => unknown]>([
    ['value', (options) => value(0, options)],
    ['map', (options) => map(options)],
    ['list', (options) => list(options)],
    ['aggregate', (options) => aggregate(count(), options)],
  ])('options that %s() does not have', (name, make) => {
    expect(() => make({ TTL: '1d' })).toThrow(
      expect.objectContaining({
        code: 'unknown-option',
        message: expect.stringMatching(`^${name}\\(\\) has no option "TTL"; it has ttl`),
      }),
    )
    expect(() => make({ ttl: '0s' })).toThrow(expect.objectContaining({ code: 'bad-duration' }))
  })
})

describe('pipeline refuses', () => {
  const build = (p: Builder) => p.from(orders).to(sink('out'))
  it.each<[string, () => unknown, string, string]>([
    ['a bad name', () => pipeline('my shop', build), 'bad-name', NAME('pipeline', '"my shop"')],
    [
      'no build function',
      () => pipeline('shop', wrong({})),
      'bad-pipeline',
      'pipeline("shop") takes a build function as its last argument.',
    ],
    [
      'nothing but a name',
      () => pipeline('shop', wrong(undefined)),
      'bad-pipeline',
      'pipeline("shop") takes a build function as its last argument.',
    ],
    [
      'an async build function',
      () => pipeline('shop', async (p) => build(p)),
      'bad-pipeline',
      'The build function of "shop" must not be async: the graph is built synchronously.',
    ],
    ...[0, 1.5, 1025, Number.NaN, '4'].map((keyGroups): [string, () => unknown, string, string] => [
      `${keyGroups} key groups`,
      () => pipeline('shop', { keyGroups: wrong(keyGroups) }, build),
      'bad-key-groups',
      `keyGroups must be a whole number from 1 to 1024; pipeline "shop" has ${keyGroups}.`,
    ]),
    ...[0, 1.5, 65, '4'].map((writeShards): [string, () => unknown, string, string] => [
      `${writeShards} write shards`,
      () => pipeline('shop', { writeShards: wrong(writeShards) }, build),
      'bad-write-shards',
      `writeShards must be a whole number from 1 to 64; pipeline "shop" has ${writeShards}.`,
    ]),
    [
      'idleness at once',
      () => pipeline('shop', { idle: { after: 0 } }, build),
      'bad-duration',
      'idle.after of "shop" must be between 1ms and 400d; it is 0s.',
    ],
    [
      'a step of the watermark that is no duration',
      () => pipeline('shop', { minAdvance: 'often' as never }, build),
      'bad-duration',
      `minAdvance of "shop" must be a duration such as '30s', '5m', '1h30m', or whole milliseconds; it is "often".`,
    ],
    [
      'a dead letter that is no sink',
      () => pipeline('shop', { deadLetter: wrong('rejected') }, build),
      'bad-sink',
      SINK('deadLetter of "shop"'),
    ],
  ])('%s', (_, make, code, message) => {
    expect(make).toThrow(ConfigError)
    expect(make).toThrow(expect.objectContaining({ code, message }))
  })

  it('options of null are the defaults', () => {
    expect(pipeline('shop', wrong(null), build).keyGroups).toBe(4)
  })

  it('to open the dead letter that the host must bind', () => {
    expect(() => hostDeadLetter.open({ pipeline: 'shop', run: 0 })).toThrow(
      expect.objectContaining({
        code: 'no-dead-letter',
        message:
          'Rejected records need a dead letter: set the deadLetter option of the pipeline, or bind a sink named "dead-letter" in the handler\'s bindings.',
      }),
    )
  })

  it('an operator that is not there', () => {
    const made = plan(pipeline('shop', build))
    expect(() => operatorNamed(made, 'x')).toThrow('Pipeline "shop" has no operator "x". It has: none.')
    const other = plan(pipeline('shop', (p) => hourly(p.from(orders), 'a').to(sink('out'))))
    expect(() => operatorNamed(other, 'x')).toThrow('Pipeline "shop" has no operator "x". It has: a.')
    expect(operatorNamed(other, 'a')).toBe(other.operators[0])
  })
})

describe('steps refuse', () => {
  const SOURCES = 'from() takes sources, such as those that kinesisSource(), kafkaSource() and fileSource() return.'
  const MERGED = 'merge() takes streams of the pipeline that is being built.'
  let foreign: Stream<Order> | undefined
  pipeline('other', (p) => {
    p.from(legacy).to(sink('other'))
    foreign = p.from(legacy).to(sink('out'))
  })
  refuses([
    ['from of nothing', (p) => (p.from as () => unknown)(), 'no-source', 'from() takes at least one source.'],
    ['from of undefined', (p) => p.from(wrong(undefined)), 'bad-source', SOURCES],
    ['from of a sink', (p) => p.from(wrong(sink('out'))), 'bad-source', SOURCES],
    [
      'from of one source twice',
      (p) => p.from(orders, legacy, orders).to(sink('out')),
      'name-taken',
      'from() reads each source once; "orders" is given twice, which would count its rows twice.',
    ],
    [
      'map of no function',
      (p) => p.from(orders).map(wrong('id')),
      'bad-step',
      'map takes a function, such as row => row.id; it got "id".',
    ],
    ['filter of null', (p) => p.from(orders).filter(wrong(null)), 'bad-step', 'filter takes a function; it got null.'],
    [
      'flatMap of an array',
      (p) => p.from(orders).flatMap(wrong([])),
      'bad-step',
      'flatMap takes a function; it got an array.',
    ],
    [
      'keyBy of a field',
      (p) => p.from(orders).keyBy(wrong('id')),
      'bad-step',
      'keyBy takes a function, such as row => row.id; it got "id".',
    ],
    [
      'sideOutput of no test',
      (p) => p.from(orders).sideOutput(wrong(1), never),
      'bad-step',
      'sideOutput takes a function; it got 1.',
    ],
    [
      'sideOutput of a sink',
      (p) => p.from(orders).sideOutput(() => true, wrong(sink('x'))),
      'bad-step',
      'sideOutput takes a function; it got an object.',
    ],
    ['merge of nothing', (p) => p.from(orders).merge(wrong(undefined)), 'bad-step', MERGED],
    ['merge of a source', (p) => p.from(orders).merge(wrong(legacy)), 'bad-step', MERGED],
    ['merge of a stream of another pipeline', (p) => p.from(orders).merge(foreign!), 'bad-step', MERGED],
    ['to of a name', (p) => p.from(orders).to(wrong('out')), 'bad-sink', SINK('to()')],
    ['to of a source', (p) => p.from(orders).to(wrong(legacy)), 'bad-sink', SINK('to()')],
    [
      'window of a duration',
      (p) => p.from(orders).keyBy(key).window(wrong('5m')),
      'bad-window',
      'window() takes tumbling(), hopping(), cumulate(), session() or calendar().',
    ],
    [
      'window of nothing',
      (p) => p.from(orders).keyBy(key).window(wrong(undefined)),
      'bad-window',
      'window() takes tumbling(), hopping(), cumulate(), session() or calendar().',
    ],
  ])
})

describe('aggregate refuses', () => {
  refuses([
    ['a bad name', (p) => windowed(p).aggregate('a b', rows), 'bad-name', NAME('stateful step', '"a b"')],
    [
      'no name',
      (p) => windowed(p).aggregate(wrong(rows), wrong(undefined)),
      'bad-aggregate',
      "aggregate() takes a name, then its folds by field: .aggregate('orders', { n: count() }); the name is an object.",
    ],
    [
      'a fold without a field',
      (p) => windowed(p).aggregate('a', wrong(count())),
      'bad-aggregate',
      'The aggregate "a" takes its folds by field, such as { n: count() }; it got count() alone. Give it a field.',
    ],
    [
      'no fields',
      (p) => windowed(p).aggregate('a', {}),
      'bad-aggregate',
      'The aggregate "a" needs at least one fold, such as { rows: count() }.',
    ],
    [
      'no folds',
      (p) => windowed(p).aggregate('a', wrong(undefined)),
      'bad-aggregate',
      'The aggregate "a" needs at least one fold, such as { rows: count() }.',
    ],
    [
      'a field that is no fold',
      (p) => windowed(p).aggregate('a', { n: wrong(count) }),
      'bad-aggregate',
      'Field "n" of the aggregate "a" is not a fold. Use a function such as count(), sum() or custom().',
    ],
    [
      'a made-up accumulation',
      (p) => windowed(p, { accumulation: 'adding' }).aggregate('a', rows),
      'bad-window',
      `accumulation must be 'accumulating', 'discarding' or 'retracting'; the window of "a" has "adding".`,
    ],
    [
      'a late output that is no sink',
      (p) => windowed(p, { late: 'late' }).aggregate('a', rows),
      'bad-sink',
      SINK('The late output of "a"'),
    ],
    [
      'an offset that is no duration',
      (p) => windowed(p, { offset: '12' }).aggregate('a', rows),
      'bad-duration',
      `The offset of the window of "a" must be a duration such as '30s', '5m', '1h30m', or whole milliseconds; it is "12".`,
    ],
    [
      'a zone for an offset',
      (p) => windowed(p, { offset: 'Europe/Berlin' }).aggregate('a', rows),
      'bad-duration',
      `The offset of the window of "a" must be a duration such as '-1h' or '5h30m'; it is "Europe/Berlin". Windows are aligned to UTC. A time zone with daylight saving time has no single offset: give the offset that you need, such as '-5h'.`,
    ],
    [
      'a lateness before the end',
      (p) => windowed(p, { allowedLateness: -1 }).aggregate('a', rows),
      'bad-duration',
      'allowedLateness of the window of "a" must be between 0s and 400d; it is -1ms.',
    ],
    [
      'slices under 100 ms, of a window made by hand',
      (p) =>
        p
          .from(orders)
          .keyBy(key)
          .window({ kind: 'tumbling', sizeMs: 50, stepMs: 50 })
          .aggregate('a', rows)
          .to(sink('out')),
      'bad-window',
      'The slices of "a" would be 50ms wide; the minimum is 100ms. Use a rounder size or step.',
    ],
  ])
})

describe('a graph is refused', () => {
  const SHARED = {
    Sources: 'Rename one. If both are the same source, create it once and pass it to each p.from().',
    Sinks: 'Rename one. If both are the same sink, create it once, const out = …, and pass out to each to().',
    'Stateful steps': 'Rename one.',
  }
  const TWICE = (what: keyof typeof SHARED, name: string) =>
    `${what} of a pipeline must have different names; "${name}" is used twice. ${SHARED[what]}`
  const again: SourceNode<Order> = source('orders')
  refuses([
    ['that reads nothing', never, 'no-source', 'Pipeline "shop" has no source: start it with p.from(source).'],
    [
      'with two sources of one name',
      (p) => p.from(orders, again).to(sink('out')),
      'name-taken',
      TWICE('Sources', 'orders'),
    ],
    [
      'with two steps of one name',
      (p) => {
        hourly(p.from(orders), 'a').to(sink('x'))
        hourly(p.from(orders), 'a').to(sink('y'))
      },
      'name-taken',
      TWICE('Stateful steps', 'a'),
    ],
    [
      'with two sinks of one name',
      (p) => p.from(orders).to(sink('out')).to(sink('out')),
      'name-taken',
      TWICE('Sinks', 'out'),
    ],
    [
      'with a late output named as a sink',
      (p) => hourly(p.from(orders), 'a', { late: sink('out') }).to(sink('out')),
      'name-taken',
      TWICE('Sinks', 'out'),
    ],
    [
      'with a step named as a source',
      (p) => hourly(p.from(orders), 'orders').to(sink('out')),
      'name-taken',
      'Sources and stateful steps must have different names; "orders" is both. Rename one.',
    ],
    ['whose source goes nowhere', (p) => p.from(orders), 'no-sink', NOWHERE('the source "orders"')],
    ['whose aggregate goes nowhere', (p) => hourly(p.from(orders), 'a'), 'no-sink', NOWHERE('the aggregate "a"')],
    [
      'whose map goes nowhere',
      (p) =>
        p
          .from(orders)
          .to(sink('out'))
          .map((o) => o),
      'no-sink',
      NOWHERE('a map step'),
    ],
    ['whose filter goes nowhere', (p) => p.from(orders).filter(() => true), 'no-sink', NOWHERE('a filter step')],
    ['whose flatMap goes nowhere', (p) => p.from(orders).flatMap(() => []), 'no-sink', NOWHERE('a flatMap step')],
    ['whose merge goes nowhere', (p) => p.from(orders, legacy), 'no-sink', NOWHERE('a merge step')],
    [
      'whose side goes nowhere',
      (p) =>
        p
          .from(orders)
          .sideOutput(() => true, never)
          .to(sink('out')),
      'no-sink',
      NOWHERE('the side of a sideOutput step'),
    ],
    [
      'whose rest of a side output goes nowhere',
      (p) =>
        p.from(orders).sideOutput(
          () => true,
          (side) => side.to(sink('out')),
        ),
      'no-sink',
      NOWHERE('a sideOutput step'),
    ],
    ['whose key goes nowhere', (p) => p.from(orders).keyBy(key), 'no-sink', NOWHERE('the source "orders"')],
  ])
})

describe('a chain is refused', () => {
  const chain = (accumulation: Accumulation, lateness: string, fold: Aggregate<any, any>) => (p: Builder) =>
    hourly(p.from(orders), 'a', { accumulation, allowedLateness: lateness })
      .map((r) => r.value)
      .keyBy(() => null)
      .window(tumbling('1d'))
      .aggregate('b', { n: fold })
      .to(sink('out'))
  const total = sum((r: { rows: number }) => r.rows)
  const most = max((r: { rows: number }) => r.rows)

  refuses([
    [
      'where late panes would count rows again',
      chain('accumulating', '1m', total),
      'chained-accumulating',
      `"b" reads the results of "a", whose early or late panes would count rows again. Give "a" accumulation: 'retracting' or 'discarding', emit: 'final', or neither early results nor allowedLateness.`,
    ],
    [
      'where a fold cannot take rows back',
      chain('retracting', '1m', most),
      'chained-no-inverse',
      '"b" reads the retracting "a", but its field "n" (max) cannot take rows back. Use an aggregate that retracts, such as count, sum, avg or percentile, or no allowedLateness on "a".',
    ],
    [
      'where results meet again what they were made of: each would wait for the other',
      (p) => {
        const stream: Stream<any> = p.from(orders)
        hourly(stream.merge(hourly(stream, 'a')), 'b').to(sink('out'))
      },
      'stage-cycle',
      'The results of "a" are merged with rows that wait for the same watermark as "a" itself, so neither could make progress. Put a stateful step before the merge for those rows too, or read their source under a second name.',
    ],
    [
      'where two stages feed each other',
      (p) => {
        const [x, y]: Stream<any>[] = [p.from(orders), p.from(legacy)]
        hourly(y!.merge(hourly(x!, 'a')), 'b').to(sink('u'))
        hourly(x!.merge(hourly(y!, 'c')), 'd').to(sink('v'))
      },
      'stage-cycle',
      'The results of "c" are merged with rows that wait for the same watermark as "c" itself, so neither could make progress. Put a stateful step before the merge for those rows too, or read their source under a second name.',
    ],
  ])

  it.each([
    ['accumulating', '0s', most],
    ['retracting', '1m', total],
    ['discarding', '1m', most],
  ] as const)('but not if it is %s with a lateness of %s', (accumulation, lateness, fold) => {
    expect(pipeline('shop', chain(accumulation, lateness, fold)).nodes).toHaveLength(5)
  })

  it('nor where both branches of a diamond have a stateful step', () => {
    const diamond = pipeline('shop', (p) => {
      const stream = p.from(orders)
      hourly(hourly(stream, 'a').merge(hourly(stream, 'b')), 'c').to(sink('out'))
    })
    expect(plan(diamond).stages).toHaveLength(2)
  })
})
