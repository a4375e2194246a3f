import type { Container } from './bindings.js'

/** The part of Lambda's context object that handlers use. */
export interface InvocationContext {
  getRemainingTimeInMillis?(): number
  readonly awsRequestId?: string
}

/**
 * Must be called when an invocation begins: the time that is left then is the function's timeout minus the startup
 * time.
 */
export function deadlineOf(context: InvocationContext | undefined, { timeout }: Container): { remainingMs(): number } {
  const remaining = context?.getRemainingTimeInMillis?.()
  if (remaining !== undefined) timeout.note(remaining)
  return { remainingMs: () => context?.getRemainingTimeInMillis?.() ?? timeout.ms }
}

/** Runs one invocation's work and writes its metrics, whether the work succeeds or fails. */
export async function measured<R>(
  { host, store, deployment }: Container,
  handler: string,
  work: () => Promise<R>,
): Promise<R> {
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
    metrics.flush({ Pipeline: deployment, Handler: handler })
  }
}
