import { type Profiler, Session } from 'node:inspector/promises'

/**
 * Where CPU time went: the share of each area in all samples in which the process was at work. V8 attributes JSON
 * functions to their callers.
 */
export type Shares = Readonly<Record<Room, number>>

export const ROOMS = [
  'the SDK',
  'the store and its marshalling',
  'runtime and codecs',
  'HTTP and sockets',
  'crypto',
  'zlib',
  'other parts of Node and V8',
  'garbage collection',
  'the benchmark',
] as const
export type Room = (typeof ROOMS)[number]

const SAMPLE_US = 250

/** Runs the work under V8's sampling profiler, and reports its self time by area. */
export async function profiled(work: () => Promise<unknown>): Promise<Shares> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US })
  await session.post('Profiler.start')
  await work()
  const { profile } = await session.post('Profiler.stop')
  session.disconnect()
  return sharesOf(profile)
}

function sharesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Shares {
  const rooms = new Map(nodes.map(({ id, callFrame }) => [id, roomOf(callFrame)]))
  const times = new Map<Room, number>(ROOMS.map((room) => [room, 0]))
  let sum = 0
  for (const [i, id] of samples.entries()) {
    const room = rooms.get(id)
    if (room === undefined) continue
    const us = timeDeltas[i + 1] ?? SAMPLE_US
    times.set(room, times.get(room)! + us)
    sum += us
  }
  return Object.fromEntries([...times].map(([room, us]) => [room, us / sum])) as Shares
}

const BY_URL: readonly (readonly [RegExp, Room])[] = [
  [/\/node_modules\/(@aws-sdk|@smithy|@aws)\//, 'the SDK'],
  [/\/lib\/(aws|state)\//, 'the store and its marshalling'],
  [/\/lib\//, 'runtime and codecs'],
  [
    /^node:(_http|http|https|net|_tls|tls|dns|internal\/(http|net|stream|streams|timers|tls|dns))|^node:(stream|_stream|internal\/streams)/,
    'HTTP and sockets',
  ],
  [/^node:(crypto|internal\/crypto)/, 'crypto'],
  [/^node:(zlib|internal\/zlib)/, 'zlib'],
  [/^node:/, 'other parts of Node and V8'],
]

/** Functions of V8 and of Node's C++ code have a name but no file. */
const BY_NAME: readonly (readonly [RegExp, Room])[] = [
  [/^\(garbage collector\)$/, 'garbage collection'],
  [/^(Hash|Hmac|update|digest|hash|createHash|createHmac|oneshotDigest)$/, 'crypto'],
  [
    /^(write|writev|writeBuffer|write(Latin1|Utf8|Ascii)String|readStart|readStop|shutdown|connect|consume|execute|HTTPParser)$/,
    'HTTP and sockets',
  ],
  [/^(writeSync|processChunkSync|deflate|inflate)$/, 'zlib'],
]

/** Undefined for samples in which the process waits. */
function roomOf({ url, functionName }: { url: string; functionName: string }): Room | undefined {
  if (functionName === '(idle)' || functionName === '(root)') return undefined
  const [by, text] = url === '' ? [BY_NAME, functionName] : [BY_URL, url]
  return (
    by.find(([pattern]) => pattern.test(text))?.[1] ?? (url === '' ? 'other parts of Node and V8' : 'the benchmark')
  )
}
