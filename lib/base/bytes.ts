/**
 * The text that bytes are in UTF-8; undefined where they are none, so that two sequences of bytes never give one text.
 */
export function textOf(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined
  const text = bufferOf(bytes).toString()
  // What is no UTF-8 became U+FFFD, and only a U+FFFD that stood there is written as the same bytes again.
  return text.includes('\ufffd') && !Buffer.from(text).equals(bytes) ? undefined : text
}

/**
 * Bytes as a key: two hexadecimal digits a byte, so that two keys have one text only if they are the same bytes. Null
 * of null.
 * @example orders.keyBy((_, meta) => hex(meta.keyBytes))
 */
export function hex<B extends Uint8Array | null>(bytes: B): string | Extract<B, null> {
  return bytes === null ? (null as Extract<B, null>) : bufferOf(bytes).toString('hex')
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
