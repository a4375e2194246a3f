import { isUtf8 } from 'node:buffer'
import { ConfigError } from '../../base/index.js'
import { type Pipeline, type Plan, plan } from '../../pipeline/index.js'
import type { SourceNode } from '../../ports/index.js'
import { START_MS } from '../region.js'
import { type Connector, type LogRecord, positionOf } from '../sim/log.js'
import { type Command, SentRecord } from './commands.js'
import { type Explanation, explanationOf } from './explanation.js'
import { PlainRun } from './plain-run.js'
import { SplitNames } from './split-names.js'

/** A record to send, with the value that the test gave for it. */
export type Given<T> = Omit<LogRecord, 'offset' | 'arrivalMs'> & { readonly value: T }

/**
 * The commands of a test, and the run that executes them. Commands are queued; every read first runs what is queued, so
 * that a test only awaits its reads.
 */
export class Session {
  readonly pipeline: Pipeline
  readonly plan: Plan
  readonly startMs: number
  /** All commands so far. */
  readonly commands: Command[] = []
  /** The records that were sent, as their logs keep them. */
  readonly sent = new Map<SentRecord, LogRecord>()
  /** The driver's clock after all commands so far, ms since the epoch. */
  nowMs: number
  private readonly names: ReadonlyMap<string, SplitNames>
  /** The splits of each source, in the order in which they were named, with the number of their records. */
  private readonly splits: ReadonlyMap<string, Map<string, number>>
  private readonly ended = new Set<string>()
  private readonly live: PlainRun
  private done = 0
  /** How many commands at the start only name splits: those of the first run exist before any record. */
  private opening = 0
  private isOpen = false
  private turn: Promise<void> = Promise.resolve()

  constructor(pipeline: Pipeline, startMs = START_MS) {
    this.pipeline = pipeline
    this.plan = plan(pipeline)
    this.startMs = startMs
    this.nowMs = startMs
    this.names = new Map(
      this.plan.sources.map(({ name, connector }) => [name, new SplitNames(name, connector as Connector)]),
    )
    this.splits = new Map(this.plan.sources.map(({ name }) => [name, new Map<string, number>()]))
    this.live = new PlainRun(pipeline, startMs)
  }

  /** @throws {ConfigError} `unknown-name`, with the names that exist */
  source(name: string): SourceNode<any> {
    const found = this.plan.sources.find((source) => source.name === name)
    if (found !== undefined) return found
    throw this.unknown('source', name, this.plan.sources)
  }

  /** @throws {ConfigError} `unknown-name` with the names that exist */
  sink(name: string): string {
    if (this.plan.sinks.some((sink) => sink.name === name)) return name
    throw this.unknown('sink', name, this.plan.sinks)
  }

  unknown(what: string, name: string, known: readonly { readonly name: string }[]): ConfigError {
    return new ConfigError(
      'unknown-name',
      `Pipeline "${this.pipeline.name}" has no ${what} "${name}". It has: ${known.map((one) => one.name).join(', ') || 'none'}.`,
    )
  }

  /** Returns the id of a split, which exists from now on. */
  openSplit(source: string, name: string | number): string {
    const split = this.names.get(source)!.idOf(name)
    const splits = this.splits.get(source)!
    if (splits.has(split)) return split
    splits.set(split, 0)
    const command: Command = { kind: 'split', source, split }
    if (this.isOpen) this.commands.push(command)
    else this.commands.splice(this.opening++, 0, command)
    return split
  }

  /** Queues records, with the values that the test gave. Returns a handle for each. */
  send<T>(source: string, split: string, given: readonly Given<T>[]): SentRecord<T>[] {
    if (this.ended.has(source))
      throw new ConfigError(
        'input-ended',
        `The input of "${source}" has ended: endOfInput() was called before. Send before it, or leave it out.`,
      )
    const splits = this.splits.get(source)!
    const first = splits.get(split)!
    splits.set(split, first + given.length)
    const records: LogRecord[] = []
    const handles = given.map(({ value, ...record }, i) => {
      const kept = { ...record, offset: first + i, arrivalMs: this.nowMs - this.startMs }
      const handle = new SentRecord(source, split, first + i, value)
      records.push(kept)
      this.sent.set(handle, kept)
      return handle
    })
    this.commands.push({ kind: 'send', source, split, records })
    return handles
  }

  advance(ms: number): void {
    this.nowMs += ms
    this.commands.push({ kind: 'advance', ms })
  }

  end(source: string): void {
    if (this.ended.has(source)) return
    this.ended.add(source)
    this.commands.push({ kind: 'end', source })
  }

  /** Runs what is queued. Returns the run, in which nothing is queued any more. */
  async settled(): Promise<PlainRun> {
    this.begin()
    const mine = this.turn.then(async () => {
      while (this.done < this.commands.length) {
        await this.live.run(this.commands[this.done]!)
        this.done++
      }
    })
    // If a command fails, every later read fails with the same error.
    this.turn = mine
    mine.catch(() => undefined)
    await mine
    return this.live
  }

  /** Runs all commands so far again, and follows one record. */
  async explain(record: SentRecord): Promise<Explanation> {
    await this.settled()
    const run = new PlainRun(this.pipeline, this.startMs, record)
    for (const command of this.commands.slice(0, this.done)) await run.run(command)
    const { source, split } = record
    const kept = this.sent.get(record)!
    const position = positionOf(this.source(source).connector as Connector, kept)
    return explanationOf({ source, split, position, text: textOf(kept.payload) }, run.trace!.traced())
  }

  /** A source that is never named has one split: every stream has a shard, and every topic a partition. */
  private begin(): void {
    if (this.isOpen) return
    for (const [source, splits] of this.splits) if (splits.size === 0) this.openSplit(source, 0)
    this.isOpen = true
  }
}

function textOf(payload: LogRecord['payload']): string {
  if (payload === null) return 'null'
  if (typeof payload === 'string') return payload
  if ('raw' in payload) return payload.raw
  const bytes = Buffer.from(payload.bytes)
  return isUtf8(bytes) ? bytes.toString() : bytes.toString('base64')
}
