import { request } from 'node:http'
import { inject } from 'vitest'
import type { BuiltFunction } from '../../scripts/bundle.js'

/** What suites share: each kind of service is lent to one suite at a time. */
export type SharedName = 'dynamodb' | 'kinesis' | 'kafka' | 'aws'

export interface Lent {
  readonly id: number
  /** Another suite had it before, and what that left is in it still. */
  readonly isUsed: boolean
  readonly endpoint: string
  /** With its data and its log. */
  readonly folder: string
}

export type Asked =
  | { readonly do: 'bundle' }
  | { readonly do: 'lend'; readonly name: SharedName; readonly path?: string }
  | { readonly do: 'return' | 'start'; readonly id: number }
  | { readonly do: 'stop'; readonly id: number; readonly signal?: NodeJS.Signals }

/** One question to the desk of this run (desk.ts). */
export function ask(asked: Asked & { readonly do: 'lend' }): Promise<Lent>
export function ask(asked: Asked & { readonly do: 'bundle' }): Promise<BuiltFunction[]>
export function ask(asked: Asked): Promise<unknown>
export function ask(asked: Asked): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asking = request(inject('desk'), { method: 'POST', agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => (response.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(text))))
      response.on('error', reject)
    })
    asking.on('error', reject)
    asking.end(JSON.stringify(asked))
  })
}
