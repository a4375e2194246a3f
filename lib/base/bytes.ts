/**
 * The text that these bytes encode in UTF-8. Undefined if they are not valid UTF-8, so that two different byte
 * sequences never give the same text.
 */
export function textOf(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined
  const text = bufferOf(bytes).toString()
  // Invalid bytes decode to U+FFFD. Encoding the text again gives the same bytes only if they really encoded U+FFFD.
  return text.includes('\ufffd') && !Buffer.from(text).equals(bytes) ? undefined : text
}

/**
 * Bytes as a key: two hexadecimal digits for each byte. Two keys have the same text only if they are the same bytes.
 * Returns null for null.
 * @example orders.keyBy((_, meta) => hex(meta.keyBytes))
 */
export function hex<B extends Uint8Array | null>(bytes: B): string | Extract<B, null> {
  return bytes === null ? (null as Extract<B, null>) : bufferOf(bytes).toString('hex')
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
