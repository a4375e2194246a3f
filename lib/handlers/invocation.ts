import type { Container } from './bindings.js'

/** The part of Lambda's context object that handlers use. */
export interface InvocationContext {
  getRemainingTimeInMillis?(): number
  readonly awsRequestId?: string
}

/** Called as an invocation begins: what it has left then is the function's timeout, but for what its start took. */
export function deadlineOf(context: InvocationContext | undefined, { timeout }: Container): { remainingMs(): number } {
  const remaining = context?.getRemainingTimeInMillis?.()
  if (remaining !== undefined) timeout.note(remaining)
  return { remainingMs: () => context?.getRemainingTimeInMillis?.() ?? timeout.ms }
}

/** Runs one invocation's work and writes its metrics, whatever becomes of it. */
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
