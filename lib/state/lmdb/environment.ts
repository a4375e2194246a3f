import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { RootDatabase } from 'lmdb'
import { ConfigError, messageOf } from '../../base/index.js'
import { FORMAT_KEY } from './keys.js'

/** Raised when data of this version could be misread by code of another. */
const FORMAT = 1

/** What LMDB writes behind the 24 bytes of its first page's header. */
const MAGIC = 0xbeefc0de
const MAGIC_AT = 24

export type Database = RootDatabase<Record<string, unknown>, Uint8Array>

/** Opens the database in the directory, making both if there are none, and checks that it is a store of this format. */
export async function openDatabase(dir: string): Promise<Database> {
  const lmdb = await load()
  if (await isDamaged(dir)) throw unusable(dir, 'its data.mdb is damaged, or no file of this LMDB')
  let database: Database
  try {
    database = lmdb.open({
      path: dir,
      // The path is a directory even if it has a dot in it.
      noSubdir: false,
      keyEncoding: 'binary',
      encoding: 'msgpack',
      encoder: { useRecords: false },
      // Without this, a commit is flushed before anyone sees it, and before it is acknowledged.
      overlappingSync: false,
      // With it, a commit that fails also rejects a promise that nobody holds, which would end the process.
      eventTurnBatching: false,
    })
  } catch (cause) {
    throw unusable(dir, messageOf(cause), cause)
  }
  const found = await database
    .transaction(() => formatOf(database))
    .catch((cause) => {
      throw unusable(dir, messageOf(cause), cause)
    })
  if (found === FORMAT) return database
  await database.close()
  const what = found === undefined ? 'a database that Millrace did not make' : `data of format ${found}`
  throw new ConfigError(
    'store-format',
    `The embedded store reads data of format ${FORMAT}; ${dir} holds ${what}. Name another directory, or use the version of Millrace that wrote it.`,
  )
}

/** The library dies of a data file that LMDB refuses, and the process with it; so the file is looked at first. */
async function isDamaged(dir: string): Promise<boolean> {
  const file = await open(join(dir, 'data.mdb')).catch(() => undefined)
  // What cannot be read here cannot be read by the library either, which knows better what to say.
  if (!file) return false
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAGIC_AT + 4), 0, MAGIC_AT + 4, 0)
    if (bytesRead === 0) return false
    return buffer.readUInt32LE(MAGIC_AT) !== MAGIC && buffer.readUInt32BE(MAGIC_AT) !== MAGIC
  } catch {
    return false
  } finally {
    await file.close()
  }
}

/**
 * The format that the database has, once it has one. Inside a transaction, so that two processes may open a new one at
 * once.
 */
function formatOf(database: Database): unknown {
  const entry = database.get(FORMAT_KEY)
  if (entry) return entry.format
  for (const _ of database.getKeys({ limit: 1 })) return undefined
  database.put(FORMAT_KEY, { format: FORMAT })
  return FORMAT
}

async function load(): Promise<typeof import('lmdb')> {
  try {
    return await import('lmdb')
  } catch (cause) {
    throw new ConfigError(
      'missing-package',
      `The embedded store needs the package 'lmdb', which cannot be loaded here (${messageOf(cause)}). Run npm install lmdb.`,
      { cause },
    )
  }
}

function unusable(dir: string, why: string, cause?: unknown): ConfigError {
  return new ConfigError(
    'store-unusable',
    `The embedded store needs a directory that it may create and write; ${JSON.stringify(dir)} cannot be opened (${why}). Name another directory, or correct its permissions.`,
    { cause },
  )
}
