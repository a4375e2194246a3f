import { formatDuration } from '../base/index.js'
import { describeWindow } from '../window/index.js'
import type { Plan } from './stages.js'

/** What works as it is written, and is hardly what was meant: a sentence each. */
export interface Advice {
  /** Names the rule. */
  readonly code: 'windows-with-gaps' | 'less-lateness'
  readonly text: string
}

/** What to say of a plan when it is built. Empty where there is nothing. */
export function adviceOf({ operators, stages }: Plan): readonly Advice[] {
  const advice: Advice[] = []
  for (const { name, node } of operators) {
    const { window } = node
    if (window.kind === 'hopping' && window.stepMs > window.sizeMs)
      advice.push({
        code: 'windows-with-gaps',
        text: `The windows of "${name}", ${describeWindow(window)}, have gaps: a slide of ${formatDuration(window.stepMs)} is longer than the size. Rows between two windows are in none; the metric OutsideWindows counts them. hopping(size, slide) takes the size first.`,
      })
  }
  for (const stage of stages)
    for (const input of stage.inputs) {
      if (input.kind !== 'operator') continue
      const before = input.operator.node
      for (const { name, node } of stage.operators) {
        // With one pane a window, results come in order.
        if (before.emit === 'final' || node.allowedLatenessMs >= before.allowedLatenessMs) continue
        advice.push({
          code: 'less-lateness',
          text: `"${name}" allows ${formatDuration(node.allowedLatenessMs)} of lateness, and reads "${before.name}", which allows ${formatDuration(before.allowedLatenessMs)}: late results of the one may come too late for the other, and expire there. Give "${name}" an allowedLateness of ${formatDuration(before.allowedLatenessMs)} or more.`,
        })
      }
    }
  return advice
}
