import type { Container } from './bindings.js'

/** The part of Lambda's context object that handlers use. */
export interface InvocationContext {
  getRemainingTimeInMillis?(): number
  readonly awsRequestId?: string
}

export function deadlineOf(context: InvocationContext | undefined, timeoutMs: number): { remainingMs(): number } {
  return { remainingMs: () => context?.getRemainingTimeInMillis?.() ?? timeoutMs }
}

/** Runs one invocation's work and writes its metrics, whatever becomes of it. */
export async function measured<R>({ host, store }: Container, handler: string, work: () => Promise<R>): Promise<R> {
  const { clock, metrics } = host.services
  const started = clock.now()
  const before = store.usage()
  try {
    return await work()
  } catch (error) {
    metrics.add('Failures', 1, 'Count')
    throw error
  } finally {
    const after = store.usage()
    metrics.add('StoreRequests', after.requests - before.requests, 'Count')
    metrics.add('WriteUnits', after.writeUnits - before.writeUnits, 'Count')
    metrics.add('ReadUnits', after.readUnits - before.readUnits, 'Count')
    metrics.add('DurationMs', clock.now() - started, 'Milliseconds')
    metrics.flush({ Pipeline: host.plan.pipeline.name, Handler: handler })
  }
}
