import type { Progress } from '../run.js'
import { dim, numberText, timeText } from '../text.js'

const LINE_MS = 2_000

/** Progress on one line that is written over, or, where the output is no terminal, a line every two seconds. */
export function progressPrinter(
  out: NodeJS.WriteStream,
  now: () => number,
): { show(progress: Progress): void; end(): void } {
  let last = 0
  let shown = false
  return {
    show(progress) {
      const text = progressText(progress)
      if (out.isTTY) {
        out.write(`\r\x1b[K${dim(text.slice(0, (out.columns ?? 120) - 1))}`)
        shown = true
      } else if (now() - last >= LINE_MS) {
        last = now()
        out.write(`${text}\n`)
      }
    },
    end() {
      if (shown) out.write('\r\x1b[K')
    },
  }
}

export function progressText({ delivered, perSecond, status }: Progress): string {
  const stage = status.stages[0]
  const highest = stage?.splits.reduce<number | undefined>(
    (top, split) => (split.highest === undefined ? top : Math.max(top ?? split.highest, split.highest)),
    undefined,
  )
  const lag =
    highest !== undefined && stage?.watermark !== undefined
      ? // Where all is closed by the clock, event time is beyond every record.
        `${(Math.max(0, highest - stage.watermark) / 3_600_000).toFixed(1)} h`
      : '-'
  return `${numberText(delivered)} events   ${numberText(perSecond)}/s   watermark ${stage?.ended ? 'at the end' : timeText(stage?.watermark)}   lag ${lag}   open windows ${status.openWindows}`
}
