import { describe, expect, it } from 'vitest'
import { count, sum } from '../../lib/aggregate/index.js'
import type { Duration } from '../../lib/base/index.js'
import { type Builder, hostDeadLetter, type Pipeline, pipeline, plan, type Stream } from '../../lib/pipeline/index.js'
import { tumbling } from '../../lib/window/index.js'
import { legacy, type Order, orders, sink, source } from './fixtures.js'

const hourly = (stream: Stream<Order>, name: string) =>
  stream
    .keyBy((o) => o.customer)
    .window(tumbling('1h'))
    .aggregate(name, { rows: count() })
const built = (build: (p: Builder) => unknown): Pipeline => pipeline('shop', build)

/** The stages as text: their inputs and their operators. */
function stages(build: (p: Builder) => unknown): string[] {
  return plan(built(build)).stages.map(
    ({ inputs, operators }) => `${inputs.map((i) => i.name).join(' ')} -> ${operators.map((o) => o.name).join(' ')}`,
  )
}

describe('pipeline', () => {
  it('is frozen, and so are its nodes', () => {
    const made = built((p) => hourly(p.from(orders), 'hourly').to(sink('out')))
    expect(made.nodes.map((node) => node.kind)).toEqual(['source', 'aggregate', 'sink'])
    for (const part of [made, made.nodes, ...made.nodes]) expect(Object.isFrozen(part)).toBe(true)
    const aggregate = made.nodes[1]!
    expect(aggregate.kind === 'aggregate' && Object.isFrozen(aggregate.aggregates)).toBe(true)
    expect(made.nodes.map((node) => node.id)).toEqual([0, 1, 2])
  })

  it('settles its options', () => {
    expect(built((p) => p.from(orders).to(sink('out')))).toMatchObject({
      kind: 'pipeline',
      name: 'shop',
      keyGroups: 4,
      idleAfterMs: 60_000,
      idleClose: 300_000,
      minAdvanceMs: 2_000,
      deadLetter: hostDeadLetter,
    })
    const deadLetter = sink('rejected')
    const options = { keyGroups: 2, deadLetter, minAdvance: '5s', idle: { after: '10m', close: false } } as const
    expect(pipeline('shop', options, (p) => p.from(orders).to(sink('out')))).toMatchObject({
      keyGroups: 2,
      idleAfterMs: 600_000,
      idleClose: false,
      minAdvanceMs: 5_000,
      deadLetter,
    })
  })

  it('is sealed once its build function returns', () => {
    let kept: Stream<Order> | undefined
    built((p) => {
      kept = p.from(orders)
      return kept.to(sink('out'))
    })
    expect(() => kept!.map((o) => o)).toThrow(
      expect.objectContaining({
        code: 'pipeline-frozen',
        message: 'A pipeline is frozen once its build function returns: add all steps inside the build function.',
      }),
    )
  })

  it('is planned once, and the plan names its sinks once each, the dead letter last', () => {
    const [out, late] = [sink('out'), sink('late')]
    const made = built((p) => {
      const keyed = p
        .from(orders)
        .to(out)
        .keyBy((o) => o.customer)
      keyed.window(tumbling('1h'), { late }).aggregate('a', { rows: count() }).to(out)
      keyed.window(tumbling('2h'), { late }).aggregate('b', { rows: count() }).to(out)
    })
    expect(plan(made)).toBe(plan(made))
    expect(plan(made).sinks.map(({ name }) => name)).toEqual(['out', 'late', 'dead-letter'])
    expect(plan(made).operators.map(({ fields, keyGroups }) => [fields, keyGroups])).toEqual([
      [['rows'], 4],
      [['rows'], 4],
    ])
  })

  it('names a dead letter once and last that takes other rows too', () => {
    const [out, deadLetter] = [sink('out'), sink('rejected')]
    const made = pipeline('shop', { deadLetter }, (p) =>
      p
        .from(orders)
        .to(deadLetter)
        .keyBy((o) => o.customer)
        .window(tumbling('1h'), { late: deadLetter })
        .aggregate('a', { rows: count() })
        .to(out),
    )
    expect(plan(made).sinks).toEqual([out, deadLetter])
  })

  it('reads a source once, however often it is named', () => {
    const made = built((p) => {
      p.from(orders).to(sink('a'))
      p.from(orders, legacy).to(sink('b'))
    })
    expect(plan(made).sources.map(({ name }) => name)).toEqual(['orders', 'legacy'])
  })
})

describe('the offset of a window', () => {
  const offsetOf = (window: Parameters<ReturnType<Stream<Order>['keyBy']>['window']>[0], offset: number | string) => {
    const made = built((p) =>
      p
        .from(orders)
        .keyBy((o) => o.id)
        .window(window, { offset: offset as Duration })
        .aggregate('a', { rows: count() })
        .to(sink('out')),
    )
    return plan(made).operators[0]!
  }

  it.each([
    ['4m', 240_000],
    ['-4m', -240_000],
    [-240_000, -240_000],
    ['16m', 360_000],
    ['-16m', -360_000],
    ['10m', 0],
    ['-10m', 0],
  ])('%j of a ten-minute window is %d ms', (offset, ms) => {
    expect(offsetOf(tumbling('10m'), offset).node.offsetMs).toBe(ms)
  })

  it.each<[{ kind: 'hopping' | 'cumulate'; sizeMs: number; stepMs: number }, string]>([
    [{ kind: 'hopping', sizeMs: 10_000, stepMs: 4_000 }, '11s'],
    [{ kind: 'hopping', sizeMs: 5_000, stepMs: 9_000 }, '7s'],
    [{ kind: 'hopping', sizeMs: 5_000, stepMs: 9_000 }, '-7s'],
    [{ kind: 'cumulate', sizeMs: 10_000, stepMs: 2_000 }, '13s'],
  ])('moves the start of %j by %s, whatever it is reduced to', (window, offset) => {
    const ms = (offset.startsWith('-') ? -1000 : 1000) * Number(/\d+/.exec(offset)![0])
    const { slices } = offsetOf(window, offset)
    expect(slices.windowEnding(ms + window.sizeMs)).toEqual({ start: ms, end: ms + window.sizeMs })
  })
})

describe('stages: connected inputs and the operators they feed', () => {
  it('none of a stateless pipeline has an operator', () => {
    expect(
      stages((p) =>
        p
          .from(orders)
          .map((o) => o.id)
          .to(sink('out')),
      ),
    ).toEqual(['orders -> '])
  })

  it('two sources that merge are one', () => {
    expect(stages((p) => hourly(p.from(orders, legacy), 'a').to(sink('out')))).toEqual(['orders legacy -> a'])
    expect(stages((p) => hourly(p.from(orders).merge(p.from(legacy)), 'a').to(sink('out')))).toEqual([
      'orders legacy -> a',
    ])
  })

  it('two sources that never meet are two', () => {
    const apart = (p: Builder) => {
      hourly(p.from(orders), 'a').to(sink('x'))
      hourly(p.from(legacy), 'b').to(sink('y'))
    }
    expect(stages(apart)).toEqual(['orders -> a', 'legacy -> b'])
  })

  it('a shared sink connects nothing', () => {
    const out = sink('out')
    const apart = (p: Builder) => {
      hourly(p.from(orders), 'a').to(out)
      hourly(p.from(legacy), 'b').to(out)
    }
    expect(stages(apart)).toEqual(['orders -> a', 'legacy -> b'])
  })

  it('two sources that share one of two operators are one', () => {
    const shared = (p: Builder) => {
      const stream = p.from(orders)
      hourly(stream, 'a').to(sink('x'))
      hourly(stream.merge(p.from(legacy)), 'b').to(sink('y'))
    }
    expect(stages(shared)).toEqual(['orders legacy -> a b'])
  })

  it('a chained operator starts the next', () => {
    const chained = (p: Builder) =>
      hourly(p.from(orders), 'hourly')
        .map((r) => r.value)
        .keyBy(() => null)
        .window(tumbling('1d'))
        .aggregate('daily', { rows: sum((r) => r.rows) })
        .to(sink('out'))
    expect(stages(chained)).toEqual(['orders -> hourly', 'hourly -> daily'])
  })

  it('two chained operators whose results merge share the next', () => {
    const joined = (p: Builder) => {
      const both = hourly(p.from(orders), 'a').merge(hourly(p.from(legacy), 'b'))
      both
        .keyBy(() => null)
        .window(tumbling('1d'))
        .aggregate('daily', { rows: count() })
        .to(sink('out'))
    }
    expect(stages(joined)).toEqual(['orders -> a', 'a b -> daily', 'legacy -> b'])
  })

  it('a side output stays in the stage of its stream', () => {
    const split = (p: Builder) => {
      const rest = p.from(orders).sideOutput(
        (o) => o.amount > 100,
        (large) => hourly(large, 'large').to(sink('x')),
      )
      hourly(rest, 'small').to(sink('y'))
    }
    expect(stages(split)).toEqual(['orders -> large small'])
  })

  it('a diamond of stateless steps is one', () => {
    const diamond = (p: Builder) => {
      const stream = p.from(orders)
      hourly(stream.filter((o) => o.amount > 1).merge(stream.map((o) => o)), 'a').to(sink('out'))
    }
    expect(stages(diamond)).toEqual(['orders -> a'])
  })

  it('a source of its own type need not share anything', () => {
    const clicks = source<{ at: number; page: string }>('clicks')
    const two = (p: Builder) => {
      hourly(p.from(orders), 'a').to(sink('x'))
      p.from(clicks).to(sink('y'))
    }
    expect(stages(two)).toEqual(['orders -> a', 'clicks -> '])
  })
})
