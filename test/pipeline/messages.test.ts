import { resolve } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const BEFORE = `
import { avg, count, duration, fileSource, iso, max, ndjson, outOfOrder, pipeline, sum, tumbling } from './lib/index.js'
interface Order { id: string; at: string; amount: number; coupon?: string }
const orders = fileSource<Order>('orders', { timestamp: (o) => iso(o.at), watermark: outOfOrder('30s') })
const out = ndjson('out')
declare const configured: string
`
const windowed = (aggregate: string): string =>
  `pipeline('p', (p) => p.from(orders).keyBy((o) => o.id).window(tumbling('5m')).aggregate('a', { ${aggregate} }).to(out))`

/** Typical first mistakes, and the first line of the compiler error for each. */
const MISTAKES: readonly (readonly [code: string, message: RegExp])[] = [
  ["tumbling('5min')", /^Argument of type '"5min"' is not assignable to parameter of type 'Duration'\.$/],
  ["outOfOrder('30sec')", /^Argument of type '"30sec"' is not assignable to parameter of type 'Duration'\.$/],
  ['tumbling(configured)', /^Argument of type 'string' is not assignable to parameter of type 'Duration'\.$/],
  [
    "pipeline('p', { minAdvance: '2 seconds' }, (p) => p.from(orders).to(out))",
    /Type '"2 seconds"' is not assignable to type 'Duration \| undefined'\./,
  ],
  [windowed('total: sum((o) => o.id)'), /Type 'string' is not assignable to type 'number'\.$/],
  [windowed('mean: avg((o) => o.id)'), /Type 'string' is not assignable to type 'number'\.$/],
  [windowed('most: max((o) => o)'), /Type 'Order' is not assignable to type 'string | number | null | undefined'/],
  [windowed('total: sum((o) => o.price)'), /^Property 'price' does not exist on type 'Order'\.$/],
  [
    "pipeline('p', (p) => p.from(orders).map(async (o) => o.id).to(out))",
    /A step is synchronous: it must not return a promise\./,
  ],
  [
    "pipeline('p', (p) => p.from(orders).window(tumbling('5m')))",
    /^Property 'window' does not exist on type 'Stream<Order/,
  ],
  [
    "pipeline('p', (p) => p.from(orders).aggregate('a', { n: count() }))",
    /^Property 'aggregate' does not exist on type 'Stream<Order/,
  ],
  [
    "fileSource<Order>('x', { timestamp: (o) => o.at, watermark: outOfOrder('1s') })",
    /^Type 'string' is not assignable to type 'number \| Date'\.$/,
  ],
  ["fileSource<Order>('x', { timestamp: (o) => iso(o.at) })", /Property 'watermark' is missing in type/],
  [
    "pipeline('p', (p) => p.from(orders).to('out'))",
    /^Argument of type 'string' is not assignable to parameter of type 'SinkNode<Order>'\.$/,
  ],
  ['tumbling(duration(configured))', /^$/],
  ["tumbling('1h30m')", /^$/],
  ["tumbling('1d2h30m')", /^$/],
]

/** One file for all of them, with one line each. */
function compiled(): readonly string[] {
  const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, process.cwd())
  const file = resolve('mistakes.ts')
  const text = BEFORE + MISTAKES.map(([code], i) => `export const it${i} = ${code}\n`).join('')
  const host = ts.createCompilerHost(options)
  const { getSourceFile } = host
  host.getSourceFile = (name, version, ...more) =>
    name === file ? ts.createSourceFile(file, text, version) : getSourceFile.call(host, name, version, ...more)
  // The types of adapters are left out: the AWS SDK alone takes seconds to read.
  host.resolveModuleNameLiterals = (names, from) =>
    names.map(({ text }) =>
      text.startsWith('.') ? ts.resolveModuleName(text, from, options, host) : { resolvedModule: undefined },
    )
  const program = ts.createProgram([file], { ...options, noEmit: true, noUnusedLocals: false, types: [] }, host)
  const source = program.getSourceFile(file)!
  const first = BEFORE.split('\n').length - 1
  const said = MISTAKES.map(() => [] as string[])
  for (const { start, messageText } of program.getSemanticDiagnostics(source)) {
    const at = source.getLineAndCharacterOfPosition(start!).line - first
    if (at < 0) throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'))
    said[at]!.push(ts.flattenDiagnosticMessageText(messageText, '\n').trimEnd())
  }
  return said.map((texts) => texts.join('\n'))
}

describe('what the compiler says of a mistake', () => {
  it('names the value and what belongs there', () => {
    const said = compiled()
    MISTAKES.forEach(([code, message], i) => {
      expect(said[i], code).toMatch(message)
      // Internal names that mean nothing to a user.
      expect(said[i], code).not.toMatch(/Maybe|DurationText|OptionNames/)
    })
  })
})
