import fc from 'fast-check'
import { objects, payloadBytes, valid } from './payloads.js'

const like = objects.map((value) => JSON.stringify(value))

/** One text cut into the payloads of neighbours: each piece is bad, and all of them together would be good. */
const torn: fc.Arbitrary<string[]> = fc
  .tuple(fc.oneof(valid, like), fc.array(fc.nat(60), { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([text, cuts, dropsCommas]) => {
    const at = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length]
    const pieces = at.slice(1).map((end, i) => text.slice(at[i], end))
    return dropsCommas ? pieces.map((piece) => piece.replace(/^,|,$/g, '')) : pieces
  })

/** Several values in one payload. */
const joined: fc.Arbitrary<string[]> = fc
  .tuple(
    fc.array(fc.oneof(valid, like), { minLength: 2, maxLength: 4 }),
    fc.constantFrom(',', '\n,', ',\n', ' ', '\n', ''),
  )
  .map(([texts, between]) => [texts.join(between)])

/**
 * Payloads of which one holds as many values too many as the others hold too few, so that the count is right where they
 * are parsed at once: a list or an object is torn where its commas are, and another payload has the values that are
 * then missing. `perGap` is how many elements a gap takes away.
 */
const conspiracy: fc.Arbitrary<string[]> = fc
  .tuple(
    fc.constantFrom(['[', ']', false] as const, ['{"x":[', ']}', false] as const, ['{', '}', true] as const),
    fc.array(fc.oneof(like, valid), { minLength: 2, maxLength: 4 }),
    fc.oneof(like, valid),
    fc.constantFrom(1, 2),
    fc.boolean(),
  )
  .map(([[open, close, isObject], texts, other, perGap, isFirst]) => {
    const pieces = texts.map((text, i) => (isObject ? `"k${i}":${text}` : text))
    pieces[0] = open + pieces[0]
    pieces[pieces.length - 1] += close
    const missing = Array.from({ length: perGap * (texts.length - 1) + 1 }, () => other).join()
    return isFirst ? [missing, ...pieces] : [...pieces, missing]
  })

const one = payloadBytes.map((bytes) => [bytes])
const many = fc.oneof(torn, joined, conspiracy).map((texts) => texts.map((text) => Buffer.from(text)))
const likes = fc.array(
  like.map((text) => Buffer.from(text)),
  { maxLength: 8 },
)

/**
 * The payloads of a batch. Many are objects throughout, which is what the decoder is quickest with, with some strangers
 * among them.
 */
export const payloadBatches: fc.Arbitrary<Buffer[]> = fc.oneof(
  fc.array(fc.oneof({ weight: 3, arbitrary: one }, many), { maxLength: 10 }).map((groups) => groups.flat()),
  { weight: 2, arbitrary: fc.tuple(likes, fc.oneof(many, one), likes).map((groups) => groups.flat()) },
)
