import { Defect } from '../ports/index.js'

/** The bytes that a base64 text stands for: exact if the text is sound, otherwise an upper bound. */
export function base64Bytes(text: string): number {
  return Math.ceil(impliedBytes(text))
}

/**
 * Writes what a base64 text stands for. Node skips what is not base64 and stops at padding, so a text that is not sound
 * writes fewer bytes than its length implies, and is found without reading it twice. (On Node 20 a character beyond
 * Latin-1 may pass as another one; such a text is no base64 of AWS, and what it decodes to is still parsed and
 * validated.)
 */
export function writeBase64(text: string, target: Buffer, at: number): number {
  const written = target.write(text, at, 'base64')
  return written === impliedBytes(text) ? written : Defect.badBase64
}

/** No whole number where the length is not a multiple of four: nothing that was written equals it. */
function impliedBytes(text: string): number {
  const length = text.length
  const padding = text.charCodeAt(length - 1) !== 0x3d ? 0 : text.charCodeAt(length - 2) !== 0x3d ? 1 : 2
  return length * 0.75 - padding
}
