import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Daemon, startDaemon } from '../../../lib/dev/services/daemon.js'

const SERVER = fileURLToPath(new URL('server.py', import.meta.url))

/** Where the server writes what it says, in its folder: `INERT TYPE NAME` among its requests. */
export const logOf = (folder: string): string => join(folder, 'aws.log')

/** Starts moto's server with our additions. `path` is of Python, with moto installed. */
export async function startAws({
  folder,
  port,
  path,
}: {
  folder: string
  port: number
  path: string
}): Promise<Daemon & { readonly endpoint: string }> {
  const daemon = await startDaemon({
    name: 'the local AWS',
    command: [path, '-u', SERVER, '-H', '127.0.0.1', '-p', String(port)],
    logFile: logOf(folder),
    ready: /Running on http/,
    detached: false,
  })
  // By name: the server takes a number for the name of a bucket.
  return { ...daemon, endpoint: `http://localhost:${port}` }
}
