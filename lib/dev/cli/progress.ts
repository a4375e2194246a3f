import type { Progress } from '../run.js'
import { dim, numberText, timeText } from '../text.js'
import { columnsOf } from '../wrap.js'

const LINE_MS = 2_000
const SECOND_MS = 1_000
const GAP = '   '

/** Progress on one line that is written over, or, where the output is no terminal, a line every two seconds. */
export function progressPrinter(
  out: NodeJS.WriteStream,
  now: () => number,
): { show(progress: Progress): void; end(): void } {
  let last = 0
  let shown = false
  return {
    show(progress) {
      // The last column stays free: some terminals go on to the next line with it.
      const text = progressText(progress, columnsOf(out) - 1)
      if (out.isTTY) {
        out.write(`\r\x1b[K${dim(text)}`)
        shown = true
      } else if (now() - last >= LINE_MS) {
        last = now()
        out.write(`${text}\n`)
      }
    },
    end() {
      if (shown) out.write('\r\x1b[K')
      shown = false
    },
  }
}

/** How far it is, as far as the width takes it: what matters most comes first. */
export function progressText(progress: Progress, width = Number.POSITIVE_INFINITY): string {
  const { perSecond, status } = progress
  const stage = status.stages[0]
  const highest = stage?.splits.reduce<number | undefined>(
    (top, split) => (split.highest === undefined ? top : Math.max(top ?? split.highest, split.highest)),
    undefined,
  )
  const lag =
    highest !== undefined && stage?.watermark !== undefined
      ? // Where all is closed by the clock, event time is beyond every record.
        lagText(Math.max(0, highest - stage.watermark))
      : '-'
  const parts = [
    doneText(progress),
    `${numberText(perSecond)}/s`,
    `watermark ${stage?.ended ? 'at the end' : timeText(stage?.watermark)}`,
    `lag ${lag}`,
    `open windows ${status.openWindows}`,
  ]
  while (parts.length > 1 && parts.join(GAP).length > width) parts.pop()
  return parts.join(GAP).slice(0, width)
}

/** What the words of a progress line mean, for `--help`. */
export const PROGRESS_HELP = `
The line of progress while it runs:
  events        records that are done, of how many; what an earlier run has done counts
  watermark     the event time up to which all records are taken to have come: windows that end before it are closed
  lag           how far the watermark is behind the newest event time that was read: how long results wait for late records
  open windows  about how many windows hold records and wait for the watermark`

function lagText(ms: number): string {
  if (ms < 60_000) return `${Math.round(ms / 1_000)} s`
  return ms < 3_600_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`
}

/** Of an input that ends, how much of it; what an earlier run has done is part of it. */
function doneText({ delivered, done = delivered, total, share }: Progress): string {
  const percent = share === undefined ? '' : ` (${Math.floor(share * 100)}%)`
  return `${numberText(done)}${total === undefined ? '' : ` of ${numberText(total)}`} events${percent}`
}

/**
 * One line that is written over while something takes long, once it has taken a second. Where the output is no
 * terminal, a line every two seconds.
 */
export function stepPrinter(
  out: NodeJS.WriteStream,
  now: () => number = () => performance.now(),
): { show(text: string): void; end(): void } {
  const began = now()
  let last = began
  let shown = false
  return {
    show(text) {
      if (out.isTTY ? now() - began < SECOND_MS : now() - last < LINE_MS) return
      last = now()
      if (out.isTTY) out.write(`\r\x1b[K${dim(text.slice(0, columnsOf(out) - 1))}`)
      else out.write(`${text}\n`)
      shown = out.isTTY
    },
    end() {
      if (shown) out.write('\r\x1b[K')
      shown = false
    },
  }
}

/**
 * Says what is waited for, and how long it has been, on a terminal; elsewhere only work that gives lines of its own
 * does.
 */
export async function whileWaiting<T>(out: NodeJS.WriteStream, text: () => string, work: Promise<T>): Promise<T> {
  const began = performance.now()
  const step = stepPrinter(out)
  const timer = setInterval(() => {
    if (out.isTTY) step.show(`${text()} … ${numberText((performance.now() - began) / 1000)} s`)
  }, SECOND_MS)
  try {
    return await work
  } finally {
    clearInterval(timer)
    step.end()
  }
}
