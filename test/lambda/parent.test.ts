import { spawn } from 'node:child_process'
import { afterEach, describe, expect, it } from 'vitest'
import { built } from '../services/built.js'
import { functionMaker, isAlive, until } from './handlers.js'

const { write } = functionMaker('lambda-parent')
const HANDLER = `export const handler = async (what) => {
  if (what === '') return
  // The line has to be out before the loop begins.
  await new Promise((done) => process.stdout.write(what + '\\n', done))
  if (what === 'loop') for (;;);
  await new Promise((done) => setTimeout(done, 60000))
}`

const started: number[] = []
// Where the test fails, they would stay.
afterEach(() => {
  for (const pid of started.splice(0).filter(isAlive)) process.kill(pid, 'SIGKILL')
})

describe('the death of the emulator', () => {
  it.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
    'by %s takes every environment along: frozen, blocked, waiting, zombie',
    async (signal) => {
      const parent = spawn(process.execPath, [built('test/lambda/parent.js'), write(HANDLER)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let text = ''
      parent.stdout.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
      await until(() => text.includes('\n') || parent.exitCode !== null)
      const environments = JSON.parse(text) as { pid: number; state: string }[]
      const pids = environments.map(({ pid }) => pid)
      started.push(...pids)
      expect(environments.map(({ state }) => state).sort()).toEqual(['busy', 'busy', 'idle', 'zombie'])
      expect(pids.every(isAlive)).toBe(true)
      parent.kill(signal)
      await until(() => parent.signalCode !== null && !pids.some(isAlive))
      expect(parent.signalCode).toBe(signal)
    },
  )
})
