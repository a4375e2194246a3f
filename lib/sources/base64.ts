import { Defect } from '../ports/index.js'

/** The number of bytes that a base64 text decodes to: exact if the text is valid, otherwise an upper bound. */
export function base64Bytes(text: string): number {
  return Math.ceil(impliedBytes(text))
}

/**
 * Writes the bytes that a base64 text decodes to. Node skips characters that are not base64 and stops at padding. An
 * invalid text therefore writes fewer bytes than its length implies, and is detected without reading it twice. (On Node
 * 20 a character beyond Latin-1 may be taken for another one. AWS never sends such a text, and the decoded bytes are
 * still parsed and validated.)
 */
export function writeBase64(text: string, target: Buffer, at: number): number {
  const written = target.write(text, at, 'base64')
  return written === impliedBytes(text) ? written : Defect.badBase64
}

/** A fraction if the length is not a multiple of four, so that no written length equals it. */
function impliedBytes(text: string): number {
  const length = text.length
  const padding = text.charCodeAt(length - 1) !== 0x3d ? 0 : text.charCodeAt(length - 2) !== 0x3d ? 1 : 2
  return length * 0.75 - padding
}
