import type { SourceNode } from '../ports/index.js'
import { JsonDecoder } from './json.js'
import type { CodecDecoder } from './open.js'

/** What decodes a source's records. All codecs but JSON's are loaded where a source has one. */
export async function recordDecoder(source: SourceNode<any>): Promise<JsonDecoder | CodecDecoder> {
  const { decode } = source
  if (decode === undefined || (typeof decode === 'object' && decode.codec === 'json'))
    return new JsonDecoder(source.recordBytesMax, source.numbers, source.duplicateMembers)
  const { CodecDecoder } = await import('./open.js')
  return new CodecDecoder(source)
}
