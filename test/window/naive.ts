import fc from 'fast-check'
import { type Interval, Slices, type WindowSpec } from '../../lib/window/index.js'

/** A geometry with small numbers, as plain data: what the definitions below are given. */
export interface Geometry {
  readonly spec: WindowSpec
  readonly offsetMs: number
  readonly allowedLatenessMs: number
}

const sizes = fc.integer({ min: 1, max: 30 }).map((n) => n * 100)
const specs: fc.Arbitrary<WindowSpec> = fc.oneof(
  sizes.map((sizeMs) => ({ kind: 'tumbling' as const, sizeMs, stepMs: sizeMs })),
  fc.tuple(sizes, sizes).map(([sizeMs, stepMs]) => ({ kind: 'hopping' as const, sizeMs, stepMs })),
  fc
    .tuple(sizes, fc.integer({ min: 1, max: 6 }))
    .map(([stepMs, n]) => ({ kind: 'cumulate' as const, sizeMs: n * stepMs, stepMs })),
)
export const geometries: fc.Arbitrary<Geometry> = fc.record({
  spec: specs,
  offsetMs: fc.oneof(fc.constant(0), fc.integer({ min: -3_000, max: 3_000 })),
  allowedLatenessMs: fc.constantFrom(0, 0, 1, 100, 250, 700, 5_000),
})
/** Instants around zero, on bounds of windows and off them. */
export const instants = fc.oneof(
  fc.integer({ min: -9_000, max: 9_000 }),
  fc.integer({ min: -90, max: 90 }).map((n) => n * 100),
)

export const slicesOf = ({ spec, offsetMs, allowedLatenessMs }: Geometry): Slices =>
  new Slices(spec, offsetMs, allowedLatenessMs)

/** Every window that meets [-20 s, 20 s], from the words of the manual and nothing else. */
export function allWindows({ spec, offsetMs }: Geometry): Interval[] {
  const { kind, sizeMs, stepMs } = spec
  const windows: Interval[] = []
  const every = kind === 'cumulate' ? sizeMs : stepMs
  for (let n = -Math.ceil(30_000 / every); n * every < 30_000; n++) {
    const start = offsetMs + n * every
    if (kind !== 'cumulate') windows.push({ start, end: start + sizeMs })
    else for (let end = start + stepMs; end <= start + sizeMs; end += stepMs) windows.push({ start, end })
  }
  return windows
}

/** Walks the slice bounds upwards until one lies beyond the instant. */
export function boundAfter(widthMs: number, offsetMs: number, instant: number): number {
  let bound = offsetMs - Math.ceil(40_000 / widthMs) * widthMs
  while (bound <= instant) bound += widthMs
  return bound
}
