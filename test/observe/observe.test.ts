import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  emfMetrics,
  InvocationMetrics,
  jsonLogger,
  PUBLISHED,
  randomIds,
  silentLogger,
  systemClock,
} from '../../lib/observe/index.js'

afterEach(() => {
  vi.restoreAllMocks()
})

describe('CloudWatch embedded metrics', () => {
  it('are one valid line an invocation', () => {
    const lines: string[] = []
    const metrics = emfMetrics(
      () => 1_700_000_000_123,
      (line) => lines.push(line),
    )
    metrics.add('Records', 3, 'Count')
    metrics.add('Records', 4, 'Count')
    metrics.peak('WatermarkLagMs', 5, 'Milliseconds')
    metrics.peak('WatermarkLagMs', 2, 'Milliseconds')
    // Zero is no value that an alarm waits for, and what nobody watches is in the line alone.
    metrics.add('Rejected', 0, 'Count')
    metrics.add('WriteUnits', 12, 'Count')
    metrics.flush({ Pipeline: 'p', Handler: 'ingest' })
    expect(lines).toHaveLength(1)
    expect(lines[0]).not.toContain('\n')
    expect(JSON.parse(lines[0]!)).toEqual({
      _aws: {
        Timestamp: 1_700_000_000_123,
        CloudWatchMetrics: [
          {
            Namespace: 'Millrace',
            Dimensions: [['Pipeline']],
            Metrics: [
              { Name: 'Records', Unit: 'Count' },
              { Name: 'WatermarkLagMs', Unit: 'Milliseconds' },
            ],
          },
        ],
      },
      Pipeline: 'p',
      Handler: 'ingest',
      Records: 7,
      WatermarkLagMs: 5,
      Rejected: 0,
      WriteUnits: 12,
    })
  })

  it('follow the format: every dimension and metric is a member, a dimension is text, a metric a number', () => {
    const lines: string[] = []
    const metrics = emfMetrics(Date.now, (line) => lines.push(line))
    for (const name of PUBLISHED) metrics.add(name, 1, 'Count')
    metrics.flush({ Pipeline: 'p', Handler: 'tick' })
    const line = JSON.parse(lines[0]!)
    const [directive] = line._aws.CloudWatchMetrics
    // A directive has at most 100 metrics, a dimension set at most 30 names.
    expect(directive.Metrics).toHaveLength(PUBLISHED.size)
    expect(PUBLISHED.size).toBeLessThan(100)
    for (const { Name, Unit } of directive.Metrics) {
      expect(typeof line[Name]).toBe('number')
      expect(['Count', 'Milliseconds', 'Bytes']).toContain(Unit)
    }
    for (const set of directive.Dimensions) for (const name of set) expect(typeof line[name]).toBe('string')
    expect(Number.isInteger(line._aws.Timestamp)).toBe(true)
  })

  it('of a tick at rest are none, and its line has what it did', () => {
    const lines: string[] = []
    const metrics = emfMetrics(
      () => 0,
      (line) => lines.push(line),
    )
    metrics.add('StoppedNow', 0, 'Count')
    metrics.add('ReadUnits', 6, 'Count')
    metrics.flush({ Pipeline: 'p', Handler: 'tick' })
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { Pipeline: 'p', Handler: 'tick', StoppedNow: 0, ReadUnits: 6 },
    ])
  })

  it('of an invocation that counted nothing are none, and each starts anew', () => {
    const lines: string[] = []
    const metrics = emfMetrics(
      () => 0,
      (line) => lines.push(line),
    )
    metrics.flush({})
    metrics.add('Records', 1, 'Count')
    metrics.flush({})
    metrics.flush({})
    metrics.add('Records', 1, 'Count')
    metrics.flush({})
    expect(lines.map((line) => JSON.parse(line).Records)).toEqual([1, 1])
  })

  it('go to standard output where Lambda reads them', () => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    emfMetrics(() => 0).flush({})
    const metrics = emfMetrics(() => 0)
    metrics.add('Records', 1, 'Count')
    metrics.flush({})
    jsonLogger().info('hello')
    expect(write.mock.calls.map(([line]) => String(line).endsWith('\n'))).toEqual([true, true])
  })

  it('are kept for whoever asks', () => {
    const seen: unknown[] = []
    const metrics = new InvocationMetrics((values, dimensions) => seen.push([[...values], dimensions]))
    metrics.add('A', 1, 'Count')
    metrics.flush({ Handler: 'x' })
    expect(seen).toEqual([[[['A', { value: 1, unit: 'Count' }]], { Handler: 'x' }]])
    new InvocationMetrics().flush({})
  })
})

describe('the logger', () => {
  it('writes one object of JSON a line, whatever a field holds', () => {
    const lines: string[] = []
    const logger = jsonLogger((line) => lines.push(line), { pipeline: 'p' })
    logger.info('one\ntwo')
    logger.warn('careful', { split: 'a\u2028b', from: 3 })
    logger.error('failed', { error: 'x"y' })
    expect(lines.join('')).not.toContain('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { level: 'info', message: 'one\ntwo', pipeline: 'p' },
      { level: 'warn', message: 'careful', pipeline: 'p', split: 'a\u2028b', from: 3 },
      { level: 'error', message: 'failed', pipeline: 'p', error: 'x"y' },
    ])
    silentLogger.info('nothing')
    silentLogger.warn('nothing')
    silentLogger.error('nothing')
  })
})

describe('the machine', () => {
  it('has a clock in ms, and ids that differ', () => {
    const before = Date.now()
    const now = systemClock.now()
    expect(now).toBeGreaterThanOrEqual(before)
    expect(now).toBeLessThanOrEqual(Date.now())
    expect(new Set(Array.from({ length: 100 }, () => randomIds.next())).size).toBe(100)
  })
})
