import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FunctionError, LambdaFunction } from '../../lib/dev/lambda/function.js'
import { pollKafka } from '../../lib/dev/live/kafka-poller.js'
import { pollKinesis } from '../../lib/dev/live/kinesis-poller.js'
import { positionOf } from '../../lib/dev/live/positions.js'
import { silentLogger } from '../../lib/observe/index.js'
import type { Pipeline } from '../../lib/pipeline/index.js'
import type { StateStore } from '../../lib/ports/index.js'

interface Resource {
  readonly Type: string
  readonly Properties: any
}

/** What of CloudFormation's functions a template of ours uses. */
type Physical = Readonly<Record<string, Readonly<Record<string, string>>>>

/** A template as CloudFormation reads it: references become names and ARNs. */
export class Template {
  readonly resources: Readonly<Record<string, Resource>>
  private readonly folder: string
  private readonly physical: Physical

  /** `physical`: by logical id and attribute (`Ref` for the name), what is there. */
  constructor(folder: string, stack: string, physical: (resources: Readonly<Record<string, Resource>>) => Physical) {
    this.folder = folder
    this.resources = JSON.parse(readFileSync(join(folder, `${stack}.template.json`), 'utf8')).Resources
    this.physical = physical(this.resources)
  }

  ofType(type: string): [id: string, properties: any][] {
    return Object.entries(this.resources)
      .filter(([, resource]) => resource.Type === type)
      .map(([id, { Properties }]) => [id, this.resolve(Properties)])
  }

  /** The folder of what a function's code says that it is. */
  codeOf(id: string): string {
    return join(this.folder, `asset.${String(this.resources[id]!.Properties.Code.S3Key).replace(/\.zip$/, '')}`)
  }

  resolve(value: any): any {
    if (Array.isArray(value)) return value.map((element) => this.resolve(element))
    if (typeof value !== 'object' || value === null) return value
    if (typeof value.Ref === 'string') return this.physical[value.Ref]?.Ref ?? value.Ref
    if (Array.isArray(value['Fn::GetAtt'])) {
      const [id, attribute] = value['Fn::GetAtt']
      return this.physical[id]?.[attribute] ?? `${id}.${attribute}`
    }
    if (Array.isArray(value['Fn::Join'])) {
      const [separator, parts] = value['Fn::Join']
      return parts.map((part: unknown) => this.resolve(part)).join(separator)
    }
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, this.resolve(inner)]))
  }
}

export interface TemplateOptions {
  readonly template: Template
  readonly pipeline: Pipeline
  readonly store: StateStore
  /** What a process of this machine needs besides, to reach local services. */
  readonly env: Readonly<Record<string, string>>
  readonly kinesisEndpoint: string
  /** How often the schedule's minute passes, ms. */
  readonly minuteMs: number
}

/** How long an old container that was given up stands still before it goes on. */
const THAW_MS = 500
const BUSY_MS_MAX = 10_000

/**
 * A template at work: its functions in processes as Lambda runs them, its mappings and its schedule as they say that
 * they are.
 */
export class TemplateDeployment {
  delivered = 0
  private readonly options: TemplateOptions
  /** By logical id: the versions that there are, the newest one last. */
  private readonly versions = new Map<string, LambdaFunction[]>()
  private readonly retired: LambdaFunction[] = []

  constructor(options: TemplateOptions) {
    this.options = options
    this.add(options.template)
  }

  get functions(): readonly LambdaFunction[] {
    return [...this.retired, ...[...this.versions.values()].flat()]
  }

  /** New code beside the old: from now on any invocation may go to the one or the other. */
  upgrade(template: Template): void {
    this.add(template)
  }

  /**
   * No more invocations of the old code. Those at work, of which it waits for one, are given up, and go on a little
   * later, beside their repeats. Returns how many.
   */
  async retire(): Promise<number> {
    const old = [...this.versions.values()].flatMap((versions) => versions.slice(0, -1))
    const busy = () =>
      old.flatMap((made) => made.environments.filter(({ state }) => state === 'busy').map((it) => ({ made, it })))
    for (const until = performance.now() + BUSY_MS_MAX; busy().length === 0 && performance.now() < until; )
      await new Promise((resolve) => setTimeout(resolve, 1))
    for (const [id, versions] of this.versions) this.versions.set(id, versions.slice(-1))
    this.retired.push(...old)
    const zombies = busy()
    for (const { made, it } of zombies) {
      made.abandon(it)
      setTimeout(() => it.state === 'zombie' && it.thaw(), THAW_MS)
    }
    return zombies.length
  }

  private add(template: Template): void {
    for (const [id, properties] of template.ofType('AWS::Lambda::Function')) {
      const made = new LambdaFunction({
        name: id,
        taskRoot: template.codeOf(id),
        handler: properties.Handler,
        memoryMb: properties.MemorySize,
        timeoutMs: properties.Timeout * 1_000,
        env: { ...properties.Environment.Variables, ...this.options.env },
      })
      this.versions.set(id, [...(this.versions.get(id) ?? []), made])
    }
  }

  /** Any version may get any attempt, and a repeat another one than the first. */
  private async invoke(id: string, event: unknown): Promise<unknown> {
    const versions = this.versions.get(id)!
    return await versions[randomInt(versions.length)]!.invoke(event)
  }

  /** Polls and ticks until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { template } = this.options
    await Promise.all([
      ...template.ofType('AWS::Lambda::EventSourceMapping').map(([, mapping]) => this.poll(mapping, signal)),
      ...template.ofType('AWS::Scheduler::Schedule').map(([, schedule]) => this.schedule(schedule, signal)),
    ])
  }

  async close(): Promise<void> {
    await Promise.all(this.functions.map((f) => f.close()))
  }

  /** One mapping, with the settings that it has and no others. */
  private async poll(mapping: any, signal: AbortSignal): Promise<void> {
    const { pipeline, store, kinesisEndpoint } = this.options
    const takesParts = mapping.FunctionResponseTypes?.includes('ReportBatchItemFailures') === true
    const isStream = typeof mapping.EventSourceArn === 'string'
    const name = isStream ? mapping.EventSourceArn.split('/').at(-1)! : mapping.Topics[0]
    const source = this.sourceOf(mapping.FunctionName, name)
    const shared = {
      // Of what a mapping does not ask for, it hears nothing.
      invoke: async (_: 'ingest', event: unknown) => {
        const answer = await this.invoke(mapping.FunctionName, event)
        return takesParts ? answer : {}
      },
      positionOf: (split: string) => positionOf(pipeline, store, source, split),
      batch: mapping.BatchSize,
      batchingWindowMs: mapping.MaximumBatchingWindowInSeconds * 1_000,
      signal,
      logger: silentLogger,
      onDelivered: (records: number) => {
        this.delivered += records
      },
    }
    if (isStream) return await pollKinesis({ ...shared, stream: name, endpoint: kinesisEndpoint })
    const brokers: string[] = mapping.SelfManagedEventSource.Endpoints.KafkaBootstrapServers
    const group = mapping.SelfManagedKafkaEventSourceConfig.ConsumerGroupId
    await pollKafka({ ...shared, topic: name, connection: { brokers }, group })
  }

  /** The logical name of what a mapping polls, as the function's variables have it. */
  private sourceOf(id: string, physical: string): string {
    const [, { Environment }] = this.options.template.ofType('AWS::Lambda::Function').find(([name]) => name === id)!
    const bindings = JSON.parse(Environment.Variables.MILLRACE_SOURCES) as Record<
      string,
      { stream?: string; topic?: string }
    >
    return Object.keys(bindings).find(
      (name) => (bindings[name]!.topic ?? bindings[name]!.stream!.split('/').at(-1)) === physical,
    )!
  }

  private async schedule(schedule: any, signal: AbortSignal): Promise<void> {
    const id = [...this.versions.keys()].find((name) => schedule.Target.Arn === `${name}.Arn`)!
    while (!signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, this.options.minuteMs))
      await this.invoke(id, JSON.parse(schedule.Target.Input)).catch((error: unknown) => {
        // A beat that failed is not made up for: the next one comes.
        if (!(error instanceof FunctionError)) throw error
      })
    }
  }
}
