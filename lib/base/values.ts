/**
 * The values that a record was decoded into, if its codec may decode any number of them. A value that is a
 * `RecordRejection` is rejected on its own.
 */
export class RecordValues {
  readonly list: readonly unknown[]
  /** The decoded size of all values, which a chunk counts against its limit. */
  readonly bytes: number
  private readonly texts: ((index: number) => string | null) | undefined

  constructor(list: readonly unknown[], bytes: number, texts?: (index: number) => string | null) {
    this.list = list
    this.bytes = bytes
    this.texts = texts
  }

  /**
   * The text that a value was read from, which a dead letter keeps if the value cannot be decoded. Undefined if the
   * value has no text of its own.
   */
  text(index: number): string | null | undefined {
    return this.texts?.(index)
  }
}
