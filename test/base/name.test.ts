import { describe, expect, it } from 'vitest'
import { ConfigError, checkName } from '../../lib/base/index.js'

describe('checkName', () => {
  it.each(['a', 'A', 'orders-legacy', 'orders_2.v1', 'x'.repeat(64)])('takes %j', (name) => {
    expect(checkName('source', name)).toBe(name)
  })

  it.each<[unknown, string]>([
    ['', '""'],
    ['1st', '"1st"'],
    ['-a', '"-a"'],
    ['a b', '"a b"'],
    ['a/b', '"a/b"'],
    ['a#b', '"a#b"'],
    ['a\n', '"a\\n"'],
    ['é', '"é"'],
    ['x'.repeat(65), `"${'x'.repeat(65)}"`],
    [undefined, 'undefined'],
    [null, 'null'],
    [7, '7'],
    [7n, '7n'],
    [Number.NaN, 'NaN'],
    [['a'], '["a"]'],
  ])('refuses %o', (name, given) => {
    const message = `The name of a source must have 1 to 64 letters, digits, '.', '_' or '-', and start with a letter; it is ${given}.`
    const check = () => checkName('source', name)
    expect(check).toThrow(ConfigError)
    expect(check).toThrow(expect.objectContaining({ code: 'bad-name', message }))
  })
})
