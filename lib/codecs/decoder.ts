import type { SourceNode } from '../ports/index.js'
import type { JsonDecoder } from './json.js'
import type { CodecDecoder } from './open.js'

/** What decodes a source's records. It is loaded when a source is opened, as what reads its events is: JSON alone, or all codecs where a source has another one. */
export async function recordDecoder(source: SourceNode<any>): Promise<JsonDecoder | CodecDecoder> {
  const { decode } = source
  if (decode === undefined || (typeof decode === 'object' && decode.codec === 'json')) {
    const { JsonDecoder } = await import('./json.js')
    return new JsonDecoder(source.recordBytesMax, source.numbers, source.duplicateMembers)
  }
  const { CodecDecoder } = await import('./open.js')
  return new CodecDecoder(source)
}
