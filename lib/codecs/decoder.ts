import type { SourceNode } from '../ports/index.js'
import type { JsonDecoder } from './json.js'
import type { CodecDecoder } from './open.js'

type Make = (source: SourceNode<any>) => JsonDecoder | CodecDecoder

/** What is loaded stays: the next source waits for no import. */
const loaded = new Map<string, Make>()

/**
 * What decodes a source's records. It is loaded when a source is opened, as what reads its events is: JSON alone, or
 * all codecs where a source has another one.
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
