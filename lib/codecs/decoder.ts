import type { SourceNode } from '../ports/index.js'
import type { JsonDecoder } from './json.js'
import type { CodecDecoder } from './open.js'

type Make = (source: SourceNode<any>) => JsonDecoder | CodecDecoder

/** Loaded codecs are cached, so that the next source does not wait for an import. */
const loaded = new Map<string, Make>()

/**
 * Returns the decoder for a source's records. The decoder is loaded when the source is opened, like the reader of its
 * events: JSON alone, or all codecs if the source uses another one.
 */
export async function recordDecoder(source: SourceNode<any>): Promise<JsonDecoder | CodecDecoder> {
  const { decode } = source
  const isJson = decode === undefined || (typeof decode === 'object' && decode.codec === 'json')
  const name = isJson ? 'json' : 'open'
  let make = loaded.get(name)
  if (make === undefined) {
    make = isJson ? await jsonOnly() : await allCodecs()
    loaded.set(name, make)
  }
  return make(source)
}

async function jsonOnly(): Promise<Make> {
  const { JsonDecoder } = await import('./json.js')
  return ({ recordBytesMax, numbers, duplicateMembers }) => new JsonDecoder(recordBytesMax, numbers, duplicateMembers)
}

async function allCodecs(): Promise<Make> {
  const { CodecDecoder } = await import('./open.js')
  return (source) => new CodecDecoder(source)
}
