import { RecordRejection } from '../base/index.js'
import type { MemberPolicy, NumberPolicy } from '../ports/index.js'
import { WORD } from './framing.js'
import { holdsProto, mayHoldProto } from './json-checks.js'
import { JsonRules } from './numbers.js'
import { type Payloads, RecordPack } from './record-pack.js'
import { reject } from './rejections.js'

/**
 * A run of records that could not be parsed at once is cut into this many parts. A bad record then slows down a few
 * parts and not the whole run.
 */
const PARTS = 8

/**
 * Parses the JSON records of a batch. Many records are parsed in one call, which costs far less than parsing them one
 * by one. The values and the rejections are the same.
 */
export class JsonDecoder {
  private readonly pack: RecordPack
  private readonly rules: JsonRules

  constructor(recordBytesMax: number, numbers: NumberPolicy = 'reject', members: MemberPolicy = 'last') {
    this.pack = new RecordPack(recordBytesMax)
    this.rules = new JsonRules(numbers, members)
  }

  /** Fills `out[0]` to `out[to - from - 1]` with the values of the records, or with their rejections. */
  decode(batch: Payloads, from: number, to: number, out: (unknown | RecordRejection)[]): void {
    for (let index = from; index < to; ) {
      index = this.pack.fill(batch, index, to, from, out)
      this.parse(0, this.pack.count, out)
    }
  }

  private parse(lo: number, hi: number, out: unknown[]): void {
    if (hi - lo > 1) {
      if (this.parseArray(lo, hi, out)) return
      const part = Math.ceil((hi - lo) / PARTS)
      for (let at = lo; at < hi; at += part) this.parse(at, Math.min(at + part, hi), out)
    } else if (hi > lo) out[this.pack.places[lo]!] = this.parseOne(lo)
  }

  /** Returns false, and leaves `out` unchanged, if there is any doubt about any record. */
  private parseArray(lo: number, hi: number, out: unknown[]): boolean {
    const { hasCommas, places } = this.pack
    const text = this.pack.arrayText(lo, hi)
    if (text === undefined) return false
    let values: unknown[]
    try {
      values = JSON.parse(text)
    } catch {
      return false
    }
    const step = hasCommas ? 1 : 2
    const last = step * (hi - lo - 1)
    if (values.length !== last + 1) return false
    if (!hasCommas) for (let i = 1; i < last; i += 2) if (values[i] !== WORD) return false

    const isSuspect = mayHoldProto(text)
    for (let i = 0, k = lo; k < hi; i += step, k++) {
      const value = values[i]
      out[places[k]!] = isSuspect && holdsProto(value) ? reject.forbiddenKey() : value
    }
    const { watchesMembers, watchesNumbers } = this.rules
    if (watchesMembers || (watchesNumbers && this.pack.mayHoldLongNumber(lo, hi))) this.settle(lo, hi, out)
    return true
  }

  /** Checks each record alone: one of them may break a rule, or the rules require every record to be checked. */
  private settle(lo: number, hi: number, out: unknown[]): void {
    for (let k = lo; k < hi; k++) {
      const place = this.pack.places[k]!
      if (!(out[place] instanceof RecordRejection)) out[place] = this.rules.settle(this.pack.text(k)!, out[place])
    }
  }

  private parseOne(k: number): unknown {
    const text = this.pack.text(k)
    if (text === undefined) return reject.badUtf8(this.pack.bytes(k))
    try {
      const value: unknown = JSON.parse(text)
      return mayHoldProto(text) && holdsProto(value) ? reject.forbiddenKey() : this.rules.settle(text, value)
    } catch (error) {
      return error instanceof RangeError ? reject.deepNesting() : reject.badJson(this.pack.bytes(k))
    }
  }
}
