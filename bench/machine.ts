import { cpus } from 'node:os'

export const BATCHES = [10, 100, 1000, 10_000]

/** The machine that a figure was measured on. */
export const machine = (): string => `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`
