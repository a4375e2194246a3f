/**
 * Every guard of the runtime: a condition, check, lookup or order that a law needs. Each has a name, which stands in the code beside it as `guard: name`, and a
 * way to take it out. `npm run mutants` takes out one at a time, and something has to notice.
 */
export interface Guard {
  readonly name: string
  /** The laws of the design that hang on it. */
  readonly law: string
  /** In lib/, without `.ts`. */
  readonly file: string
  /** What stands there, once, and what stands there without the guard. */
  readonly find: string
  readonly replace: string
  /**
   * Who notices: a seed of the simulation (the default), a crash point, or a test file where the simulated world has no such fault. `nobody` is a courtesy: work
   * is spared by it, and a test holds that results do not hang on it.
   */
  readonly by?: 'simulation' | 'crash points' | 'nobody' | `test/${string}`
  /** Where the simulation looks first: a pipeline and kinds of faults that come close to it. */
  readonly pipeline?: string
  readonly faults?: string
}

/** A line of a list of conditions, or what follows `when:`, without it. */
const condition = (name: string, law: string, file: string, line: string, more: Partial<Guard> = {}): Guard => ({
  name,
  law,
  file,
  find: `${line}, // guard: ${name}`,
  replace: line.startsWith('when:') ? 'when: [],' : '',
  ...more,
})

const ROWS = `    // guard: rows-before-segments
    await writeSplitRows(host, split.name, split.position, chunk.to, chunk.fold.sinkRows)
`
/** Begins a call and waits for nothing. */
const LATER =
  '((...given: any) => { void (writeSegments as any)(...given).catch(() => undefined); return new Map<string, string>() })('

export const GUARDS: readonly Guard[] = [
  // ingest
  {
    name: 'repeats-dropped',
    law: '1, 9',
    file: 'runtime/ingest',
    find: 'while (next < batch.count && batch.position(next) <= split.position) next++ // guard: repeats-dropped',
    replace: '',
  },
  {
    name: 'rows-before-segments',
    law: '3',
    file: 'runtime/ingest',
    find: ROWS,
    replace:
      '    queueMicrotask(() => writeSplitRows(host, split.name, split.position, chunk.to, chunk.fold.sinkRows).catch(() => undefined))\n',
  },
  {
    name: 'segments-before-checkpoint',
    law: '3',
    file: 'runtime/ingest',
    find: 'const reached = await writeSegments(',
    replace: `const reached = ${LATER}`,
  },
  {
    name: 'whole-units',
    law: '9',
    file: 'runtime/ingest',
    find: 'return batch.unitEnd(Math.min(batch.count, from + size) - 1)',
    replace: 'return Math.min(batch.count, from + size)',
  },
  {
    name: 'deadline',
    law: '11',
    file: 'runtime/ingest',
    find: "if (deadline.remainingMs() < DEADLINE_RESERVE_MS) return { undone: next, because: 'deadline' }",
    replace: '',
    by: 'test/handlers/ingest.test.ts',
  },
  {
    name: 'careful',
    law: '14',
    file: 'runtime/ingest',
    find: 'let size = careful ? 1 : host.limits.chunkRecords',
    replace: 'let size = host.limits.chunkRecords',
    faults: 'killer-record',
  },
  {
    name: 'ended-takes-nothing',
    law: '6',
    file: 'runtime/ingest',
    find: "if (beginning.kind === 'ended') {",
    replace: "if (beginning.kind === 'ended') {\n    return { undone: undefined }",
    by: 'test/runtime/log-faults.test.ts',
  },
  {
    name: 'log-goes-on',
    law: '10',
    file: 'runtime/ingest',
    find: '  await checkLog(host, stage, source, batch, split) // guard: log-goes-on\n',
    replace: '',
    faults: 'trim,topic-remade,idle,outage,lost-tick',
  },
  {
    name: 'repeats-asked',
    law: '10',
    file: 'runtime/ingest',
    find: 'if (isRepeat) throw error',
    replace: '',
    faults: 'topic-remade,verify-fails,lost-tick',
    by: 'test/runtime/log-faults.test.ts',
  },
  {
    name: 'unsteady-fold',
    law: '2',
    file: 'runtime/ingest',
    find: 'if (anew.next === chunk.next && spoilt.size === rejected) return anew.fold',
    replace: 'return anew.fold',
    by: 'test/runtime/poison.test.ts',
  },
  // a chunk
  {
    name: 'own-by-record',
    law: '1',
    file: 'runtime/source-chunk',
    find: 'const gated = Math.max(own, split.gate)',
    replace: 'const gated = Math.max(split.own, split.gate)',
  },
  {
    name: 'skip',
    law: '14',
    file: 'runtime/source-chunk',
    find: "split.skip !== '' && split.skip === split.position",
    replace: 'split.position === null',
    faults: 'killer-record',
  },
  {
    name: 'fragile-fold',
    law: '14',
    file: 'runtime/source-chunk',
    find: 'if (thrown instanceof FragileFold) return',
    replace: 'if (split.position === null) return',
  },
  {
    name: 'drift',
    law: '14',
    file: 'runtime/record',
    find: 'if (timestamp <= limit) return timestamp',
    replace: 'return timestamp',
    faults: 'future-stamp',
  },
  // the chain
  {
    name: 'tail-ahead-skipped',
    law: '2',
    file: 'runtime/chain',
    find: 'if (tailOf(chain) > after) behind.set',
    replace: 'if (host === undefined) behind.set',
  },
  {
    name: 'conflict-seen',
    law: '2',
    file: 'runtime/chain',
    find: "if (verdict === 'inserted')",
    replace: 'if (verdict !== undefined)',
  },
  {
    name: 'rest-appended',
    law: '2',
    file: 'runtime/chain',
    find: 'if (tail < to) behind.set(draft.chain, tail)',
    replace: '',
  },
  {
    name: 'counted-left-out',
    law: '2',
    file: 'runtime/chain',
    find: 'return tail !== undefined && position > tail',
    replace: 'return tail !== undefined',
  },
  {
    name: 'insert-only',
    law: '2',
    file: 'state/memory/index',
    find: 'if (!standing) table.put(entry)',
    replace: 'table.put(entry)',
  },
  {
    name: 'parts-before-head',
    law: '3',
    file: 'runtime/chain',
    find: '  await host.services.store.insert(parts.map(',
    replace: '  void host.services.store.insert(parts.map(',
    faults: 'crash-before,crash-after',
  },
  {
    name: 'parts-by-nonce',
    law: '2',
    file: 'runtime/chain',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source's.
    find: '`p#${sk}#${nonce}#${index}`',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source's.
    replace: '`p#${sk}#${nonce.slice(0, 0)}#${index}`',
  },
  {
    name: 'part-missing',
    law: '7',
    file: 'runtime/chain',
    find: 'if (part === undefined)\n',
    replace: "if (part === undefined) return Buffer.from('')\n      if (part === undefined)\n",
    faults: 'lost-segment',
    by: 'test/fuzz/stored.test.ts',
  },
  {
    name: 'links',
    law: '7',
    file: 'runtime/chain',
    find: 'if (from !== this.to) {',
    replace: 'if (from === undefined) {',
    faults: 'lost-segment',
  },
  {
    name: 'tail-seal',
    law: '2',
    file: 'runtime/chain',
    find: 'checkHead(last) // guard: tail-seal',
    replace: '',
    by: 'test/fuzz/stored.test.ts',
  },
  {
    name: 'head-seal',
    law: '7',
    file: 'runtime/chain',
    find: 'checkHead(item) // guard: head-seal',
    replace: '',
    faults: 'bit-flip',
    by: 'test/fuzz/stored.test.ts',
  },
  {
    name: 'checksum',
    law: '7',
    file: 'runtime/segment',
    find: 'if (checksum(data) !== item.sum) {',
    replace: 'if (checksum(data) === undefined) {',
    faults: 'bit-flip',
  },
  {
    name: 'segment-format',
    law: '7',
    file: 'runtime/segment',
    find: 'if (item.format !== FORMAT) {',
    replace: 'if (item.format === undefined) {',
    by: 'test/runtime/durability.test.ts',
  },
  {
    name: 'seals',
    law: '9',
    file: 'runtime/seal',
    find: 'if (item[seal] === expected) return',
    replace: 'if (item !== undefined) return',
    faults: 'bit-flip',
  },
  {
    name: 'cursor-seal',
    law: '8',
    file: 'runtime/advance',
    find: "checkSeal(item as Item, 'cursorSeal'",
    replace: "if (item === undefined) checkSeal(item as any as Item, 'cursorSeal'",
    faults: 'bit-flip',
  },
  {
    name: 'watermark-seal',
    law: '4',
    file: 'runtime/watermark',
    find: 'if (value !== undefined) checkSeal',
    replace: 'if (value === null) checkSeal',
    faults: 'bit-flip',
  },
  // the checkpoint
  condition('position-grows', '9', 'runtime/checkpoint', "{ attribute: 'position', is: 'below', value: progress.to }"),
  condition('gate-as-read', '5', 'runtime/checkpoint', "{ attribute: 'gate', is: 'equal', value: before.gate }", {
    by: 'test/runtime/durability.test.ts',
  }),
  condition('stopped-takes-nothing', '10', 'runtime/checkpoint', "{ attribute: 'stopped', is: 'absent' }", {
    faults: 'trim,topic-remade,zombie,late-effect,idle',
  }),
  condition('replaced-takes-nothing', '10', 'runtime/checkpoint', "{ attribute: 'next', is: 'absent' }", {
    faults: 'topic-remade,zombie,late-effect',
    by: 'test/runtime/log-faults.test.ts',
  }),
  // membership
  {
    name: 'begin-not-stopped',
    law: '10',
    file: 'runtime/membership',
    find: "if (seen.stopped !== '') return { kind: 'stopped', split: seen }",
    replace: '',
    faults: 'trim,topic-remade,idle',
  },
  {
    name: 'parting-put-back',
    law: '5',
    file: 'runtime/membership',
    find: "      case 'member':\n",
    replace: "      case 'member':\n      case 'parting':\n",
    by: 'test/runtime/membership.test.ts',
  },
  condition(
    'member-status-as-read',
    '5',
    'runtime/membership',
    "{ attribute: 'status', is: 'equal', value: seen.status }",
    { by: 'nobody' },
  ),
  condition(
    'member-epoch-as-read',
    '5',
    'runtime/membership',
    "{ attribute: 'epoch', is: 'equal', value: seen.epoch }",
    { faults: 'idle,zombie,late-flood,late-effect' },
  ),
  {
    name: 'gate-is-proposed',
    law: '5',
    file: 'runtime/membership',
    find: 'const gate = Math.max(seen.gate, readWatermark(now).proposed)',
    replace: 'const gate = seen.gate + 0 * readWatermark(now).proposed',
    faults: 'idle,late-flood',
  },
  {
    name: 'child-waits',
    law: '6',
    file: 'runtime/membership',
    find: "if (own === undefined) return { kind: 'wait' }",
    replace:
      "if (own === undefined) {\n          await store.update({ key, set: { ...change(seen, { status: 'member' }), at: clock.now() }, when: unchanged })\n          break\n        }",
    faults: 'reshard,early-child',
  },
  {
    name: 'child-starts-at-parents',
    law: '6',
    file: 'runtime/membership',
    find: 'lowest = Math.min(lowest ?? split.own, split.own)',
    replace: '',
    faults: 'reshard,late-flood',
  },
  {
    name: 'lineage-handed-on',
    law: '6',
    file: 'runtime/membership',
    find: 'const own = await lineage(host, stage, input, seen) // guard: lineage-handed-on',
    replace: 'const own = seen.own',
    faults: 'reshard,late-flood',
  },
  {
    name: 'end-needs-evidence',
    law: '6',
    file: 'runtime/membership',
    find: "!listing.closed || (await inspector.peek(origin, seen.position)) !== 'nothing'",
    replace: '!listing.closed',
    faults: 'reshard,idle',
  },
  {
    name: 'end-not-trimmed',
    law: '10',
    file: 'runtime/membership',
    find: 'else if ((await stopFaulty(host, stage, input, [seen], [listing])).size > 0) return false',
    replace: '',
    faults: 'reshard,trim,idle',
  },
  {
    name: 'successors-before-end',
    law: '6',
    file: 'runtime/membership',
    find: '    listed.filter((candidate) => candidate.parents?.includes(split)),',
    replace: '    [],',
    faults: 'reshard,idle,late-flood',
  },
  condition('end-as-read', '6', 'runtime/membership', 'when: asRead(seen)', {
    by: 'test/runtime/membership.test.ts',
  }),
  condition(
    'holder-as-read',
    '4',
    'runtime/membership',
    "when: [{ attribute: 'holder', is: 'equal', value: seen.name }]",
    { by: 'nobody' },
  ),
  condition(
    'missing-as-read',
    '6',
    'runtime/membership',
    "when: [{ attribute: 'epoch', is: 'equal', value: item.epoch! }]",
    { by: 'nobody' },
  ),
  {
    name: 'back-as-read',
    law: '6',
    file: 'runtime/membership',
    find: "remove: ['missing'], when: asRead(split) }",
    replace: "remove: ['missing'], when: [] }",
    by: 'nobody',
  },
  {
    name: 'empty-as-read',
    law: '10',
    file: 'runtime/membership',
    find: 'set: { empty: asked },\n    when: asRead(split),',
    replace: 'set: { empty: asked },\n    when: [],',
    by: 'nobody',
  },
  condition('parting-as-read', '5', 'runtime/membership', 'when: asRead(seen)', {
    faults: 'idle,zombie,late-effect',
    by: 'test/runtime/membership.test.ts',
  }),
  {
    name: 'part-needs-evidence',
    law: '5',
    file: 'runtime/membership',
    find: "const nothing = (await inspector.peek(origin, seen.position)) === 'nothing'",
    replace: 'const nothing = true',
    faults: 'idle,late-flood',
    by: 'test/runtime/membership.test.ts',
  },
  condition('out-of-parting', '5', 'runtime/membership', "{ attribute: 'status', is: 'equal', value: 'parting' }", {
    by: 'nobody',
  }),
  condition('out-of-this-mark', '5', 'runtime/membership', "{ attribute: 'epoch', is: 'equal', value: epoch }", {
    faults: 'idle,zombie,late-flood',
    by: 'test/runtime/membership.test.ts',
  }),
  {
    name: 'successor-by-anybody',
    law: '10',
    file: 'runtime/membership',
    find: 'await store.insert([{ ...key, ...freshSuccessor(key.sk.slice(2), origin, generation, clock.now()) }])',
    replace: '',
    by: 'nobody',
  },
  // registration and the watermark
  {
    name: 'start-as-listed',
    law: '6',
    file: 'runtime/registration',
    find: 'listing.start ?? START',
    replace: 'START',
    by: 'test/runtime/splits.test.ts',
  },
  {
    name: 'registered-after-splits',
    law: '4',
    file: 'runtime/registration',
    find: 'registered: false }]) // guard: registered-after-splits',
    replace: 'registered: true }])',
    faults: 'crash-before,crash-after,partition-added',
  },
  {
    name: 'registered-first',
    law: '4',
    file: 'runtime/watermark',
    find: '    await register(host, stage)\n',
    replace: '    await store.insert([{ ...key, registered: true }])\n',
  },
  {
    name: 'joining-holds-back',
    law: '4',
    file: 'runtime/watermark',
    find: "status === 'joining' ? TIME_MIN : effective(split)",
    replace: 'effective(split)',
    by: 'nobody',
  },
  {
    name: 'holder-is-a-hint',
    law: '4',
    file: 'runtime/watermark',
    find: 'if (low === undefined || low.holder === seen.holder) break\n',
    replace: "if (low === undefined || low.holder === seen.holder || seen.holder !== '') break\n",
    by: 'nobody',
  },
  condition(
    'proposed-grows',
    '4',
    'runtime/watermark',
    "when: [{ attribute: 'proposed', is: 'below', value: candidate }]",
  ),
  condition(
    'watermark-grows',
    '9',
    'runtime/watermark',
    "when: [{ attribute: 'watermark', is: 'below', value: published }]",
  ),
  {
    name: 'two-phases',
    law: '4',
    file: 'runtime/watermark',
    find: 'const published = Math.min(proposed, second?.value ?? proposed)',
    replace: 'const published = proposed',
    faults: 'idle,late-flood,partition-added',
  },
  // advance
  {
    name: 'emit-before-cursor',
    law: '8',
    file: 'runtime/advance',
    find: '    await buffer.flush(host) // guard: emit-before-cursor\n',
    replace:
      '    if (!(await this.moveCursor(upTo, upTo === doneThrough(this.frontier)))) return false\n    await buffer.flush(host)\n',
  },
  {
    name: 'pass-on-before-cursor',
    law: '8',
    file: 'runtime/advance',
    find: '      await this.passOn(next, split, fold, emissions, upTo, own) // guard: pass-on-before-cursor\n',
    replace:
      '    {\n      if (!(await this.moveCursor(upTo, upTo === doneThrough(this.frontier)))) return false\n      await this.passOn(next, split, fold, emissions, upTo, own)\n      return true\n    }\n',
    pipeline: 'chained',
  },
  {
    name: 'pass-on-segments-before-split',
    law: '8',
    file: 'runtime/advance',
    find: 'const tails = await writeSegments(',
    replace: `const tails = ${LATER}`,
    pipeline: 'chained',
  },
  {
    name: 'passed-on-once',
    law: '8',
    file: 'runtime/emission',
    find: 'emission.position <= counted',
    replace: 'emission.position === undefined',
    pipeline: 'chained',
  },
  {
    name: 'cursor-as-read',
    law: '8',
    file: 'runtime/advance',
    find: "when: [{ attribute: 'cursor', is: 'equal', value: this.cursor }], // guard: cursor-as-read",
    replace: 'when: [],',
  },
  {
    name: 'cursor-once',
    law: '8',
    file: 'runtime/advance',
    find: "await store.insert([{ ...group, cursor: '', cursorSeal: sealOf('cursor', '') }])",
    replace: '',
  },
  {
    name: 'pass-on-rows-first',
    law: '3',
    file: 'runtime/advance',
    find: '    await writeSplitRows(host, split.name, split.position, upTo, fold.sinkRows)',
    replace:
      '    queueMicrotask(() => writeSplitRows(host, split.name, split.position, upTo, fold.sinkRows).catch(() => undefined))',
    pipeline: 'expiring',
    faults: 'late-flood,sink-reject,sink-partial',
  },
  {
    name: 'failed-cache-forgotten',
    law: '7',
    file: 'runtime/advance',
    find: '    cache.clear() // guard: failed-cache-forgotten\n',
    replace: '',
    by: 'nobody',
  },
  {
    name: 'accepted-loss',
    law: '10',
    file: 'runtime/log-faults',
    find: "if (kind === 'trimmed' && split.position === split.accepted) continue",
    replace: '',
    faults: 'trim,idle',
  },
  {
    name: 'successor-by-tick',
    law: '6',
    file: 'runtime/registration',
    find: '    await store.insert([{ ...key, ...freshSuccessor(key.sk.slice(2), origin, generation, clock.now()) }])\n',
    replace: '',
    pipeline: 'hopping',
    faults: 'topic-remade,operator-dies,trim,idle',
  },
  {
    name: 'empty-not-lost',
    law: '10',
    file: 'runtime/membership',
    find: 'return (await stopFaulty(host, stage, input, [split], [{ split: origin, closed: false }])).size > 0',
    replace: 'return stage === undefined && split === undefined && input === undefined && origin === undefined',
    by: 'test/runtime/log-faults.test.ts',
  },
  condition('as-read-position', '5', 'runtime/split-item', "{ attribute: 'position', is: 'equal', value: position }", {
    by: 'test/runtime/membership.test.ts',
  }),
  condition('as-read-epoch', '5', 'runtime/split-item', "{ attribute: 'epoch', is: 'equal', value: epoch }", {
    faults: 'idle,zombie,late-effect,reshard',
  }),
  {
    name: 'listed-registered',
    law: '6',
    file: 'runtime/tick',
    find: 'else await registerListed(host, stage, input, listed, known)',
    replace: '',
  },
  condition('claim-cursor', '8', 'runtime/advance', "{ attribute: 'cursor', is: 'equal', value: this.cursor }", {
    by: 'nobody',
  }),
  condition('claim-until', '8', 'runtime/advance', "{ attribute: 'until', is: 'below', value: now }", { by: 'nobody' }),
  condition('release-cursor', '8', 'runtime/advance', "{ attribute: 'cursor', is: 'equal', value: this.cursor }", {
    by: 'nobody',
  }),
  condition('release-own', '8', 'runtime/advance', "{ attribute: 'until', is: 'equal', value: this.claimedUntil }", {
    by: 'nobody',
  }),
  { name: 'next-slice-whole', law: '9, 11', file: 'runtime/load', find: ' && at > needed', replace: '' },
  {
    name: 'frozen-cache',
    law: '7',
    file: 'runtime/load',
    find: 'Math.min(reached, operator.slices.bucketEnd(frozen + 1) - bucketMs)',
    replace: 'reached',
  },
  {
    name: 'past-its-life',
    law: '9',
    file: 'runtime/load',
    find: 'if ((item.ttl as number) > nowS) return',
    replace: 'return',
    by: 'test/runtime/durability.test.ts',
  },
  {
    name: 'one-advance-a-cache',
    law: '7',
    file: 'runtime/advance',
    find: '  await before // guard: one-advance-a-cache\n',
    replace: '',
    pipeline: 'late',
    faults: 'throttle,lost-answer,lost-request,stall,late-flood,evict',
  },
  {
    name: 'late-first-window',
    law: '1',
    file: 'runtime/panes',
    find: 'if (one.first <= window.end) join(',
    replace: 'join(',
  },
  {
    name: 'empty-proof',
    law: '10',
    file: 'runtime/log-faults',
    find: 'clock.now() - split.empty < Math.min(EMPTY_PROOF_MS, retentionMs / 2)',
    replace: 'split.empty === null',
    by: 'test/runtime/log-faults.test.ts',
  },
  condition('stop-as-read', '10', 'runtime/log-faults', 'when: asRead(split)', {
    by: 'test/runtime/log-faults.test.ts',
  }),
  {
    name: 'reset-as-read',
    law: '10',
    file: 'runtime/log-faults',
    find: '...asRead(split), // guard: reset-as-read',
    replace: '',
    by: 'test/runtime/log-faults.test.ts',
  },
  {
    name: 'reset-what-stopped',
    law: '10',
    file: 'runtime/log-faults',
    find: "{ attribute: 'stopped', is: 'equal', value: split.stopped } as const, // guard: reset-what-stopped",
    replace: '',
    by: 'nobody',
  },
  {
    name: 'successor-after-end',
    law: '10',
    file: 'runtime/log-faults',
    find: 'await store.insert([{ ...successor, ...freshSuccessor(successor.sk.slice(2), origin, generation, now) }])',
    replace: '',
    by: 'nobody',
  },
  {
    name: 'refused-to-dead-letter',
    law: '14',
    file: 'runtime/outputs',
    find: 'for (const refusal of await write(host, node, list)) refused.push(rejected(node, refusal))',
    replace: 'await write(host, node, list)',
    faults: 'refused-row',
  },
  {
    name: 'fingerprint',
    law: '12',
    file: 'runtime/host',
    find: 'if (item.fingerprint === mine) return',
    replace: 'return',
    faults: 'other-graph',
  },
  {
    name: 'fingerprint-first',
    law: '12',
    file: 'runtime/host',
    find: '      await store.insert([\n        { ...key, fingerprint: mine,',
    replace: '      await Promise.resolve([\n        { ...key, fingerprint: mine,',
  },
  {
    name: 'state-format',
    law: '12',
    file: 'runtime/host',
    find: 'if (item?.format !== 1) {',
    replace: 'if (item?.format === null) {',
    by: 'test/fuzz/stored.test.ts',
  },
]
