import type { Progress } from '../run.js'
import { dim, numberText, timeText } from '../text.js'
import { columnsOf } from '../wrap.js'

const LINE_MS = 2_000
const SECOND_MS = 1_000
const GAP = '   '

/**
 * Prints progress on one line that is overwritten. If the output is not a terminal, it prints a line every two seconds.
 */
export function progressPrinter(
  out: NodeJS.WriteStream,
  now: () => number,
): { show(progress: Progress): void; end(): void } {
  let last = 0
  let shown = false
  return {
    show(progress) {
      // The last column stays empty: some terminals continue on the next line after it is written.
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

/** The progress as text, cut to the width. The most important figures come first. */
export function progressText(progress: Progress, width = Number.POSITIVE_INFINITY): string {
  const { perSecond, status } = progress
  const stage = status.stages[0]
  const highest = stage?.splits.reduce<number | undefined>(
    (top, split) => (split.highest === undefined ? top : Math.max(top ?? split.highest, split.highest)),
    undefined,
  )
  const lag =
    highest !== undefined && stage?.watermark !== undefined
      ? // If the clock has closed all windows, the watermark is past every record.
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

/** Explains the terms of a progress line, for `--help`. */
export const PROGRESS_HELP = `
The progress line during a run:
  events        records processed, and their total; an earlier run's records are included
  watermark     the event time up to which all records are assumed to have arrived: windows that end before it are closed
  lag           how far the watermark is behind the newest event time: how long results wait for late records
  open windows  the approximate number of windows that hold records and wait for the watermark`

function lagText(ms: number): string {
  if (ms < 60_000) return `${Math.round(ms / 1_000)} s`
  return ms < 3_600_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`
}

/**
 * How many records are processed. For an input with an end it includes the share; records of an earlier run are
 * included.
 */
function doneText({ delivered, done = delivered, total, share }: Progress): string {
  const percent = share === undefined ? '' : ` (${Math.floor(share * 100)}%)`
  return `${numberText(done)}${total === undefined ? '' : ` of ${numberText(total)}`} events${percent}`
}

/**
 * Prints one line that is overwritten during a slow operation, starting after one second. If the output is not a
 * terminal, it prints a line every two seconds.
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

/** On a terminal, prints what the command waits for and for how long. Elsewhere it prints nothing. */
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
