import type { Attribute, Item, ItemKey } from '../../ports/index.js'
import { parseSegmentSk } from '../../runtime/keys.js'
import { isEqual } from '../../state/conditions.js'
import type { Fault } from './faults.js'
import type { Ports } from './ports.js'
import type { SimTable } from './table.js'

const PARTS_PREFIX = 'p#'
const SEGMENT_PREFIX = 'g#'
/** Damage that no process has read is repaired after this time, because the run would otherwise never end. */
const MENDED_MS = 120_000
const SOON_MS = 3_000

/**
 * The attributes that a seal or a checksum covers, by kind of item. Clocks that only schedule a check are not covered.
 */
const COVERED = {
  split: [
    ...['position', 'own', 'top', 'tails', 'counters', 'status', 'was', 'gate', 'epoch', 'parents', 'origin', 'next'],
    ...['limit', 'limitTo', 'emptyTo'],
  ],
  watermark: ['proposed', 'watermark', 'marks'],
  group: ['cursor'],
  segment: ['to', 'n', 'data', 'packed', 'sum', 'parts'],
  part: ['data'],
} as const

/**
 * Damages the table behind the runtime's back, and plays the operator who repairs it once Millrace has reported the
 * damage.
 */
export class Vandal {
  private readonly ports: Ports
  private readonly table: SimTable
  /** The original and damaged form of damaged items, by name. */
  private readonly damaged = new Map<string, { readonly whole: Item; readonly broken: Item | undefined }>()

  constructor(ports: Ports, table: SimTable) {
    this.ports = ports
    this.table = table
  }

  get isAtWork(): boolean {
    return this.damaged.size > 0
  }

  /**
   * Damages an item at intervals. Items with conditional writes, and items that could be written again, are only
   * damaged while no process is at work: the damage could make the condition of a write in flight succeed.
   */
  act(isQuiet: boolean, isDone: (split: string, position: string) => boolean): void {
    const { swarm } = this.ports
    if (this.isAtWork || swarm.hasEnded) return
    if (swarm.chance('bit-flip')) this.flip(isQuiet)
    else if (isQuiet && swarm.chance('lost-segment')) this.lose(isDone)
    else if (swarm.chance('future-format')) this.update()
  }

  /** Millrace has reported that something is wrong. */
  alarm(): void {
    if (this.isAtWork)
      this.ports.scheduler.after(1 + this.ports.swarm.below(SOON_MS), 'the table is restored', () => this.mend())
  }

  private flip(isQuiet: boolean): void {
    const items = [...this.table.items.all()].filter((item) => {
      const kind = kindOf(item)
      return isQuiet ? kind !== undefined : kind === 'segment' || kind === 'part'
    })
    const item = this.pick(items)
    if (item === undefined) return
    const names = COVERED[kindOf(item)!].filter((name) => item[name] !== undefined && item[name] !== '')
    const name = this.pick(names)
    if (name !== undefined)
      this.breaks('bit-flip', item, { ...item, [name]: flipped(item[name]!, (limit) => this.ports.swarm.below(limit)) })
  }

  private update(): void {
    const item = this.pick([...this.table.items.all()].filter((candidate) => kindOf(candidate) === 'segment'))
    if (item !== undefined) this.breaks('future-format', item, { ...item, format: 2 })
  }

  private lose(isDone: (split: string, position: string) => boolean): void {
    const all = [...this.table.items.all()]
    const isInside = (item: Item): boolean =>
      isDone(parseSegmentSk(item.sk).split, item.to as string) &&
      all.some(
        (next) =>
          next.pk === item.pk &&
          next.sk.startsWith(item.sk.slice(0, item.sk.lastIndexOf('#') + 1)) &&
          next.sk.endsWith(`#${String(item.to)}`),
      )
    const item = this.pick(
      all.filter(
        (candidate) => kindOf(candidate) === 'part' || (kindOf(candidate) === 'segment' && isInside(candidate)),
      ),
    )
    if (item !== undefined) this.breaks('lost-segment', item, undefined)
  }

  private breaks(kind: Fault, whole: Item, broken: Item | undefined): void {
    const { scheduler } = this.ports
    const name = `${whole.pk} ${whole.sk}`
    this.ports.swarm.count(kind)
    scheduler.note(
      `damage: ${name} ${broken === undefined ? 'is deleted' : Object.keys(whole).find((attribute) => whole[attribute] !== broken[attribute])}`,
    )
    this.damaged.set(name, { whole, broken })
    this.table.checks.damaged.add(name)
    this.table.items.remove(whole)
    if (broken !== undefined) this.table.items.put({ item: broken, bytes: 100 })
    scheduler.after(MENDED_MS, 'the table is checked', () => this.mend())
  }

  /** Restores the attributes that are still damaged; attributes written since then are correct. */
  private mend(): void {
    for (const [name, { whole, broken }] of this.damaged) {
      const standing = this.table.items.find(whole)?.item
      const after: Record<string, Attribute> & ItemKey = { ...(standing ?? whole) }
      if (broken !== undefined && standing !== undefined)
        for (const attribute of Object.keys(broken))
          if (isEqual(standing[attribute], broken[attribute]) && whole[attribute] !== undefined)
            after[attribute] = whole[attribute]
      this.table.items.put({ item: after, bytes: 100 })
      this.table.checks.damaged.delete(name)
    }
    this.damaged.clear()
  }

  private pick<T>(list: readonly T[]): T | undefined {
    return list.length === 0 ? undefined : list[this.ports.swarm.below(list.length)]
  }
}

function kindOf({ pk, sk }: Item): keyof typeof COVERED | undefined {
  if (sk === '!') return pk.endsWith('#splits') ? 'watermark' : undefined
  if (sk === 'c') return 'group'
  if (sk.startsWith('s#')) return 'split'
  if (sk.startsWith(SEGMENT_PREFIX)) return 'segment'
  return sk.startsWith(PARTS_PREFIX) ? 'part' : undefined
}

/** A value with one bit changed, which an item can still hold. */
export function flipped(value: Attribute, below: (limit: number) => number): Attribute {
  if (typeof value === 'boolean') return !value
  if (typeof value === 'number') return value + (below(2) === 0 ? 1 : -1) * 2 ** below(40)
  if (typeof value === 'string') {
    const at = below(value.length)
    const other = String.fromCharCode(value.charCodeAt(at) ^ (1 << below(6)))
    return value.slice(0, at) + (/\p{Surrogate}/u.test(other) ? '?' : other) + value.slice(at + 1)
  }
  const bytes = new Uint8Array(value)
  bytes[below(bytes.length)]! ^= 1 << below(8)
  return bytes
}
