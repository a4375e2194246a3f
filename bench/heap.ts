import { fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MEMORY_MB } from '../lib/cost/prices.js'
import { table } from '../lib/dev/text.js'
import type { HeapFigures, HeapTask } from './heap-child.js'
import { machine } from './machine.js'

/** The share of the memory that Lambda's Node runtime gives to the heap, and the share for its young generation. */
const HEAP_SHARE = 0.9
const YOUNG_SHARE = 0.05
const LOOK_MS = 50
/** The default timeout of an advance function. */
const TIMEOUT_MS = 60_000
const KEY_GROUPS = [1, 8]

/**
 * The figures of a phase, and the maximum of its process's memory that is not backed by a file, if the system reports
 * it.
 */
export interface PhaseFigures extends HeapFigures {
  readonly ownMb: number
}

const CHILD = fileURLToPath(new URL('./heap-child.ts', import.meta.url))

/**
 * Runs a phase in a separate process, with the heap of a function with that much memory. `file` is what the process
 * runs; a compiled one starts sooner.
 */
export function heapProcess(task: HeapTask, memoryMb: number, file = CHILD): Promise<PhaseFigures> {
  const child = fork(file, [JSON.stringify(task)], {
    execArgv: [
      `--max-old-space-size=${Math.floor(memoryMb * HEAP_SHARE)}`,
      `--max-semi-space-size=${Math.max(1, Math.floor(memoryMb * YOUNG_SHARE))}`,
      ...(file.endsWith('.ts') ? ['--import', 'tsx'] : []),
    ],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  let errors = ''
  child.stderr!.on('data', (text) => {
    // V8 writes why it ends a process before its stack, which may take thousands of characters.
    errors = (errors + text).slice(-20_000)
  })
  let ownKb = 0
  const timer = setInterval(() => {
    ownKb = Math.max(ownKb, ownMemoryKb(child.pid!))
  }, LOOK_MS)
  return new Promise((resolve, reject) => {
    let figures: HeapFigures | undefined
    child.once('message', (message) => {
      figures = message as HeapFigures
    })
    child.once('close', (code, signal) => {
      clearInterval(timer)
      if (figures !== undefined) resolve({ ...figures, ownMb: Math.round(ownKb / 1024) })
      else reject(new Error(`the process ended with ${signal ?? code}: ${errors}`))
    })
  })
}

/**
 * Pages of the embedded store's file count as memory of the process, but a deployed function has its state elsewhere.
 */
function ownMemoryKb(pid: number): number {
  try {
    return Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

export interface SliceFigures {
  readonly fill: PhaseFigures
  readonly close: PhaseFigures
}

/** Fills one slice with that many keys, and closes it in another process. */
export async function heap(task: Omit<HeapTask, 'phase' | 'dir'>, memoryMb: number): Promise<SliceFigures> {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-heap-'))
  try {
    const fill = await heapProcess({ ...task, phase: 'fill', dir }, memoryMb)
    return { fill, close: await heapProcess({ ...task, phase: 'close', dir }, memoryMb) }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/**
 * Prints what a slice with many keys uses, with one key group and with several, and whether all of its rows were
 * written.
 */
export async function heapBench(json: boolean, keys: number): Promise<void> {
  const all: (SliceFigures & { readonly keyGroups: number; readonly isWhole: boolean })[] = []
  for (const keyGroups of KEY_GROUPS) {
    const { fill, close } = await heap({ keys, keyGroups, timeoutMs: TIMEOUT_MS }, MEMORY_MB)
    all.push({ keyGroups, isWhole: isWhole(close, keys), fill, close })
  }
  if (all.some((figures) => !figures.isWhole)) process.exitCode = 1
  if (json) {
    console.log(JSON.stringify({ keys, memoryMb: MEMORY_MB, machine: machine(), slices: all }, undefined, 2))
    return
  }
  console.log(`${keys.toLocaleString('en-US')} keys in a slice, a function of ${MEMORY_MB} MB, ${machine()}\n`)
  const heads = ['key groups', 'rows and sums', 'heap MB', 'of', 'external MB', 'own memory MB', 'with the file MB']
  heads.push('ranges', 'invocations', 'longest, CPU s', 'CPU s', 'read units/key')
  console.log(
    table(
      heads,
      all.map(({ keyGroups, isWhole, close }) => [
        String(keyGroups),
        isWhole ? 'exact' : `WRONG: ${close.rows} rows, sum ${close.sum}`,
        ...[close.heapMb, close.limitMb, close.externalMb, close.ownMb, close.rssMb].map(String),
        ...[close.keyRanges, close.invocations].map(String),
        ...[close.longestMs, close.cpuMs].map((ms) => (ms / 1000).toFixed(1)),
        (close.readUnits / keys).toFixed(4),
      ]),
    ),
  )
  console.log('')
  console.log(
    table(
      ['key groups', 'requests/event', 'write units/event', 'ingest us/event', 'heap MB', 'own memory MB'],
      all.map(({ keyGroups, fill }) => [
        String(keyGroups),
        (fill.requests / keys).toFixed(5),
        (fill.writeUnits / keys).toFixed(5),
        ((fill.cpuMs * 1000) / keys).toFixed(2),
        String(fill.heapMb),
        String(fill.ownMb),
      ]),
    ),
  )
}

/** Whether each key was written once, with its only value: the number of the key modulo 100. */
export function isWhole({ rows, counted, sum }: HeapFigures, keys: number): boolean {
  const rest = keys % 100
  return rows === keys && counted === keys && sum === Math.floor(keys / 100) * 4950 + (rest * (rest - 1)) / 2
}
