/**
 * What one record decoded into, where its codec gives any number of values. One that is a `RecordRejection` is rejected
 * by itself.
 */
export class RecordValues {
  readonly list: readonly unknown[]
  /** Of all values, decoded: what a chunk counts against its limit. */
  readonly bytes: number
  private readonly texts: ((index: number) => string | null) | undefined

  constructor(list: readonly unknown[], bytes: number, texts?: (index: number) => string | null) {
    this.list = list
    this.bytes = bytes
    this.texts = texts
  }

  /**
   * The text that a value was read from: what a dead letter keeps of one that is none. Undefined where it has no text
   * of its own.
   */
  text(index: number): string | null | undefined {
    return this.texts?.(index)
  }
}
