import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { docsUrl } from '../../lib/base/index.js'
import { kinesis, msk, stack } from '../infra/stacks.js'

const text = readFileSync('docs/deploy.md', 'utf8')

describe('docs/deploy.md', () => {
  it('has a section for each alarm, which its text names by address, and none for any other', () => {
    const alarms = [kinesis(stack()), msk(stack())].flatMap((template) =>
      Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(
        ({ Properties }) => / See (https:\S+)$/.exec(String(Properties.AlarmDescription))![1]!,
      ),
    )
    const sections = [...text.matchAll(/^### (.+)$/gm)].map(([, name]) => name!.toLowerCase())
    expect(sections.length).toBeGreaterThan(10)
    expect([...new Set(alarms)].sort()).toEqual(sections.map((name) => docsUrl('deploy', name.toLowerCase())).sort())
  })
})
