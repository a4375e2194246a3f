import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { RootDatabase } from 'lmdb'
import { ConfigError, messageOf } from '../../base/index.js'
import { FORMAT_KEY } from './keys.js'

/** Must be raised when code of another version could misread the data. */
const FORMAT = 1

/** The magic number that LMDB writes after the 24 bytes of its first page's header. */
const MAGIC = 0xbeefc0de
const MAGIC_AT = 24

export type Database = RootDatabase<Record<string, unknown>, Uint8Array>

/**
 * Opens the database in the directory, creating both if they do not exist, and checks that it is a store of this
 * format.
 */
export async function openDatabase(dir: string): Promise<Database> {
  const lmdb = await load()
  if (await isDamaged(dir)) throw unusable(dir, 'its data.mdb is damaged, or is not a file of this LMDB')
  let database: Database
  try {
    database = lmdb.open({
      path: dir,
      // The path is a directory even if it contains a dot.
      noSubdir: false,
      keyEncoding: 'binary',
      encoding: 'msgpack',
      encoder: { useRecords: false },
      // Without this, a commit is flushed before any process sees it, and before it is acknowledged.
      overlappingSync: false,
      // With this, a commit that fails would also reject a promise that nothing handles, which would end the process.
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
  const what = found === undefined ? 'a database that Millrace did not create' : `data of format ${found}`
  throw new ConfigError(
    'store-format',
    `The embedded store reads data of format ${FORMAT}, but ${dir} holds ${what}. Choose another directory, or use the version of Millrace that wrote it.`,
  )
}

/** The library, and the process with it, crashes on a data file that LMDB refuses. So the file is checked first. */
async function isDamaged(dir: string): Promise<boolean> {
  const file = await open(join(dir, 'data.mdb')).catch(() => undefined)
  // If the file cannot be read here, the library cannot read it either, and reports a better error.
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
 * The format of the database; a new database is given one. This runs inside a transaction, so that two processes may
 * open a new database at once.
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
    `The embedded store needs a directory that it may create and write to, but ${JSON.stringify(dir)} cannot be opened (${why}). Choose another directory, or correct its permissions.`,
    { cause },
  )
}
