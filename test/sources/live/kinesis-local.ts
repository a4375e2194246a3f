import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, startDaemon } from '../../../lib/dev/services/daemon.js'

/** By itself kinesis-local listens on every interface. */
const LOOPBACK = `
const net = require('node:net')
const { listen } = net.Server.prototype
net.Server.prototype.listen = function (...args) {
  const [first] = args
  if (typeof first === 'object' && first !== null && first.path === undefined) args[0] = { ...first, host: '127.0.0.1' }
  else if (Number.isInteger(Number(first))) {
    const ready = args.find((arg) => typeof arg === 'function')
    args = [{ port: Number(first), host: '127.0.0.1' }, ...(ready ? [ready] : [])]
  }
  return listen.apply(this, args)
}
`

/**
 * A local Kinesis that knows what kinesalite lacks: UpdateShardCount, streams by ARN, closed shards with their
 * children.
 */
export async function startKinesisLocal(): Promise<{ readonly endpoint: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kinesis-local-'))
  const preload = join(folder, 'loopback.cjs')
  writeFileSync(preload, LOOPBACK)
  const main = createRequire(import.meta.url).resolve('kinesis-local/main.js')
  const [plain, tls] = [await freePort(), await freePort()]
  const daemon = await startDaemon({
    name: 'kinesis-local',
    command: [process.execPath, '-r', preload, main],
    cwd: dirname(main),
    env: {
      KINESIS_MOCK_PLAIN_PORT: String(plain),
      KINESIS_MOCK_TLS_PORT: String(tls),
      AWS_REGION: 'us-east-1',
      LOG_LEVEL: 'INFO',
      CREATE_STREAM_DURATION: '10ms',
      DELETE_STREAM_DURATION: '10ms',
      UPDATE_SHARD_COUNT_DURATION: '10ms',
      SPLIT_SHARD_DURATION: '10ms',
      MERGE_SHARDS_DURATION: '10ms',
    },
    logFile: join(folder, 'kinesis-local.log'),
    ready: /Starting Kinesis Plain Mock Service/,
    detached: false,
  })
  // It says so before it listens.
  while (!(await answers(plain))) await sleep(20)
  return {
    endpoint: `http://127.0.0.1:${plain}`,
    async stop() {
      await daemon.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
