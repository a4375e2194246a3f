import { formatDuration } from '../base/index.js'
import { describeWindow } from '../window/index.js'
import type { Plan } from './stages.js'

/** Advice about a pipeline that is valid, but is probably not what the user meant. `text` is the message. */
export interface Advice {
  /** The name of the rule. */
  readonly code: 'windows-with-gaps' | 'less-lateness'
  readonly text: string
}

/** The advice for a plan, which is reported when it is built. Empty if there is none. */
export function adviceOf({ operators, stages }: Plan): readonly Advice[] {
  const advice: Advice[] = []
  for (const { name, node } of operators) {
    const { window } = node
    if (window.kind === 'hopping' && window.stepMs > window.sizeMs)
      advice.push({
        code: 'windows-with-gaps',
        text: `The windows of "${name}", ${describeWindow(window)}, have gaps: a slide of ${formatDuration(window.stepMs)} is longer than the size. Rows between two windows belong to no window; the metric OutsideWindows counts them. hopping(size, slide) takes the size first.`,
      })
  }
  for (const stage of stages)
    for (const input of stage.inputs) {
      if (input.kind !== 'operator') continue
      const before = input.operator.node
      for (const { name, node } of stage.operators) {
        // With one pane for each window, results are in order.
        if (before.emit === 'final' || node.allowedLatenessMs >= before.allowedLatenessMs) continue
        advice.push({
          code: 'less-lateness',
          text: `"${name}" allows ${formatDuration(node.allowedLatenessMs)} of lateness, and reads "${before.name}", which allows ${formatDuration(before.allowedLatenessMs)}. Late results of "${before.name}" may arrive too late for "${name}" and expire there. Give "${name}" an allowedLateness of ${formatDuration(before.allowedLatenessMs)} or more.`,
        })
      }
    }
  return advice
}
