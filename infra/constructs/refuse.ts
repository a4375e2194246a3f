import { type Duration, Token } from 'aws-cdk-lib'
import { ConfigError } from '../../lib/base/index.js'

/** Throws an error that states the option's value, the rule that it breaks, and the fix. */
export function refuse(where: string, option: string, value: unknown, rule: string, fix: string): never {
  throw new ConfigError('unsafe-setting', `${where}: ${option} is ${textOf(value)}. ${rule} ${fix}`)
}

function textOf(value: unknown): string {
  if (typeof value === 'number' && Token.isUnresolved(value)) return 'not known before the stack is deployed'
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : value.toISOString()
  if (typeof value === 'object' && value !== null && 'toHumanString' in value)
    return (value as Duration).toHumanString()
  return typeof value === 'string'
    ? value
    : typeof value === 'number'
      ? String(value)
      : (JSON.stringify(value) ?? String(value))
}
