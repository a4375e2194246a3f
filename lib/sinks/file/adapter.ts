import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { digest, rowJson } from '../../base/index.js'
import type { OperatorBatch, Sink, SinkBatch, SplitRows } from '../../ports/index.js'
import { headerOf, type SplitHeader } from './parts.js'

/** The number of parts written concurrently, so that their syncs overlap. */
const PARTS_AT_ONCE = 8
/** The limit of half-written files with the same part and pid, from concurrent sinks or from earlier processes. */
const TEMPORARIES_MAX = 1_000

/**
 * Writes rows as files in a folder. Each file is written once and completely: under a temporary name first, then synced
 * and renamed, so that no line is ever torn. A part of an operator has the same name in every attempt. Rows of a split
 * are skipped up to the position that its files already reach. `collectParts` reads the files as one result.
 */
export async function fileSink(directory: string): Promise<Sink> {
  await mkdir(directory, { recursive: true })
  const names = new Set<string>()
  const reached = new Map<string, string>()
  for (const name of await readdir(directory)) {
    if (name.endsWith('.tmp')) {
      if (isLeftOver(name)) await rm(join(directory, name), { force: true })
      continue
    }
    names.add(name)
    if (!name.startsWith('s.')) continue
    const header = await headerOf(join(directory, name))
    if (header.to > (reached.get(header.split) ?? '')) reached.set(header.split, header.to)
  }
  const files = new FileSink(directory, names, reached)
  return { write: (batches) => files.write(batches), close: async () => undefined }
}

/** Whether a half-written file is left over from a process that no longer exists. */
function isLeftOver(name: string): boolean {
  const pid = Number(/\.(\d+)-\d+\.tmp$/.exec(name)?.[1])
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EPERM'
  }
}

class FileSink {
  private readonly directory: string
  private readonly names: Set<string>
  private readonly reached: Map<string, string>
  private unique = 0

  constructor(directory: string, names: Set<string>, reached: Map<string, string>) {
    this.directory = directory
    this.names = names
    this.reached = reached
  }

  async write(batches: readonly SinkBatch[]): Promise<void> {
    const parts = batches.filter((batch) => batch.kind === 'operator')
    for (let at = 0; at < parts.length; at += PARTS_AT_ONCE)
      await Promise.all(parts.slice(at, at + PARTS_AT_ONCE).map((part) => this.writePart(part)))
    // Sequentially, because a later file of a split implies that all files before it exist.
    for (const batch of batches) if (batch.kind === 'split') await this.writeRows(batch)
    const folder = await open(this.directory)
    await folder.sync()
    await folder.close()
  }

  private async writePart(batch: OperatorBatch): Promise<void> {
    const name = `o.${batch.operator}.${batch.part}.ndjson`
    if (batch.rows.length === 0 || this.names.has(name)) return
    await this.place(
      name,
      batch.rows.map(({ value, op }) => rowJson(value, op)),
    )
  }

  private async writeRows(batch: SplitRows): Promise<void> {
    const held = this.reached.get(batch.split) ?? ''
    const rows = batch.rows.filter((row) => row.order > held)
    if (rows.length === 0) return
    const header: SplitHeader = { split: batch.split, from: held > batch.from ? held : batch.from, to: batch.to }
    const name = `s.${digest(batch.split)}-${digest(header.from)}-${digest(batch.to)}.ndjson`
    await this.place(name, [
      JSON.stringify(header),
      ...rows.map(
        (row) => `{"order":${JSON.stringify(row.order)},"id":${JSON.stringify(row.id)},"row":${rowJson(row.value)}}`,
      ),
    ])
    if (batch.to > (this.reached.get(batch.split) ?? '')) this.reached.set(batch.split, batch.to)
  }

  private async place(name: string, lines: readonly string[]): Promise<void> {
    const { path, file } = await this.temporary(name)
    try {
      await file.writeFile(`${lines.join('\n')}\n`)
      await file.sync()
      await file.close()
      await rename(path, join(this.directory, name))
    } catch (error) {
      await file.close().catch(() => undefined)
      await rm(path, { force: true }).catch(() => undefined)
      throw error
    }
    this.names.add(name)
  }

  /**
   * Opens a file that no other sink writes. Another sink on this folder may write the same part, even in a process with
   * the same pid.
   */
  private async temporary(name: string): Promise<{ path: string; file: FileHandle }> {
    for (let tries = 1; ; tries++) {
      const path = join(this.directory, `${name}.${process.pid}-${this.unique++}.tmp`)
      try {
        return { path, file: await open(path, 'wx') }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || tries === TEMPORARIES_MAX) throw error
      }
    }
  }
}
