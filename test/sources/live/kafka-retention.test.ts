import kafkajs, { type AclOperationTypes } from 'kafkajs'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { freePort } from '../../../lib/dev/services/daemon.js'
import { KafkaTopic } from '../../../lib/sources/kafka/client.js'
import type { KafkaConnection } from '../../../lib/sources/kafka/connection.js'
import { kafkaInspector } from '../../../lib/sources/kafka/inspector.js'
import { describeBroker } from '../../services/local.js'
import { at, KafkaTools, numbered } from './kafka-tools.js'

/** The machine may be busy. */
const PATIENCE = { timeout: 15_000 }
const PASSWORD = 'hunter2-of-mallory'

describeBroker('how long a topic keeps records, as a Kafka broker says', (broker) => {
  let tools: KafkaTools
  let login: string
  let plain: string
  const open: { close(): Promise<void> }[] = []
  const connection = (): KafkaConnection => ({ brokers: [plain] })
  const inspector = (topic: string, by = connection()) => {
    const made = kafkaInspector({ topic, connection: by })
    open.push(made)
    return made
  }

  beforeAll(async () => {
    const port = await freePort()
    plain = `127.0.0.1:${port}`
    login = `127.0.0.1:${await freePort()}`
    const controller = `127.0.0.1:${await freePort()}`
    const jaas = 'org.apache.kafka.common.security.plain.PlainLoginModule'
    await broker.start({
      port,
      properties: {
        'controller.quorum.voters': `1@${controller}`,
        listeners: `PLAINTEXT://${plain},CONTROLLER://${controller},LOGIN://${login}`,
        'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_PLAINTEXT',
        'sasl.enabled.mechanisms': 'PLAIN',
        'listener.name.login.plain.sasl.jaas.config': `${jaas} required user_mallory="${PASSWORD}";`,
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS',
        // Retention in a blink.
        'log.initial.task.delay.ms': 100,
        'log.retention.check.interval.ms': 200,
      },
    })
    tools = new KafkaTools(connection())
    await tools.admin.connect()
  }, 60_000)

  afterAll(async () => {
    await Promise.all(open.map((each) => each.close()))
    await tools?.close()
  })

  it.each([
    ['by the broker', { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': '86400000' }, 86_400_000],
    ['by producers', { 'retention.ms': '86400000' }, undefined],
    [
      'by producers within a limit',
      { 'retention.ms': '86400000', 'message.timestamp.before.max.ms': '3600000' },
      82_800_000,
    ],
    ['by the broker, for ever', { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': '-1' }, undefined],
    [
      'by the broker, up to some bytes',
      { 'message.timestamp.type': 'LogAppendTime', 'retention.bytes': '1000000' },
      undefined,
    ],
  ])('is told, where stamps are given %s', async (name, config, retentionMs) => {
    const topic = `kept-${name.replaceAll(/\W/g, '-')}`
    await tools.create(topic, 1, config)
    await tools.send(topic, numbered(10))
    await tools.trim(topic, 0, 6)
    const source = inspector(topic)
    const asked = vi.spyOn(KafkaTopic.prototype, 'configuration')
    try {
      expect(await source.verify!(new Map([[`${topic}-0`, at(9)]]))).toEqual([])
      expect(asked).not.toHaveBeenCalled()
      for (let look = 0; look < 2; look++) {
        const [fault] = await source.verify!(new Map([[`${topic}-0`, at(3)]]))
        expect([fault!.kind, fault!.retentionMs]).toEqual(['trimmed', retentionMs])
      }
      expect(asked).toHaveBeenCalledTimes(1)
    } finally {
      asked.mockRestore()
    }
  })

  it('invariant 5: retention passes a marker that was the end, and says that nothing later can have gone', async () => {
    await tools.create('quiet', 1, { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': '3000' })
    await tools.commit('quiet', 'tx-quiet', numbered(3))
    const source = inspector('quiet')
    const last = new Map([['quiet-0', at(2)]])
    await expect.poll(() => source.peek('quiet-0', at(2)), PATIENCE).toBe('nothing')
    expect(await source.verify!(last)).toEqual([])
    await expect.poll(() => source.verify!(last), PATIENCE).toMatchObject([{ kind: 'trimmed', retentionMs: 3_000 }])
    expect(await source.peek('quiet-0', at(2))).toBe('nothing')
  })

  it('invariant 5: the end that was proved holds nothing, whatever is deleted up to it', async () => {
    await tools.create('proved')
    await tools.commit('proved', 'tx-proved', numbered(3))
    const source = inspector('proved')
    await expect.poll(() => source.end!('proved-0'), PATIENCE).toBe(at(3))
    await expect.poll(() => source.peek('proved-0', at(2)), PATIENCE).toBe('nothing')
    await tools.trim('proved', 0, 4)
    expect(await source.verify!(new Map([['proved-0', at(2)]]))).toMatchObject([{ kind: 'trimmed' }])
    expect(await source.verify!(new Map([['proved-0', at(3)]]))).toEqual([])
    await tools.create('nothing')
    await expect.poll(() => source.end!('absent-0'), PATIENCE).toBeUndefined()
    await expect.poll(() => inspector('nothing').end!('nothing-0').catch(() => 'no topic'), PATIENCE).toBeUndefined()
  })

  it('a record with an old stamp goes at once, so a topic of such stamps says nothing of the kind', async () => {
    await tools.create('late', 1, { 'retention.ms': '3600000' })
    const expiring = String(Date.now() - 3_600_000 + 2_000)
    await tools.send('late', [{ value: 'read', timestamp: expiring }])
    const source = inspector('late')
    expect(await source.peek('late-0', at(0))).toBe('nothing')
    await tools.send('late', [{ value: 'unread', timestamp: expiring }])
    const first = new Map([['late-0', at(0)]])
    await expect.poll(() => source.verify!(first), PATIENCE).toMatchObject([{ kind: 'trimmed' }])
    const [fault] = await source.verify!(first)
    expect(fault!.retentionMs).toBeUndefined()
  })

  it('records that were deleted are a fault too where the configuration cannot be asked for', async () => {
    await tools.create('trimmed')
    await tools.send('trimmed', numbered(4))
    await tools.trim('trimmed', 0, 3)
    const source = inspector('trimmed')
    const asked = vi.spyOn(KafkaTopic.prototype, 'configuration').mockRejectedValue(new Error('no answer'))
    try {
      expect(await source.verify!(new Map([['trimmed-0', at(1)]]))).toMatchObject([{ kind: 'trimmed' }])
    } finally {
      asked.mockRestore()
    }
  })

  it('is not known where the login may not ask, and nothing is wrong with that', async () => {
    await tools.create('guarded', 1, { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': '86400000' })
    await tools.send('guarded', numbered(3))
    await tools.trim('guarded', 0, 2)
    const allow = (...operations: AclOperationTypes[]) =>
      tools.admin.createAcls({
        acl: operations.map((operation) => ({
          resourceType: kafkajs.AclResourceTypes.TOPIC,
          resourceName: 'guarded',
          resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
          principal: 'User:mallory',
          host: '*',
          operation,
          permissionType: kafkajs.AclPermissionTypes.ALLOW,
        })),
      })
    const sasl = { mechanism: 'plain', username: 'mallory', password: PASSWORD } as const
    const retentions = async () => {
      const faults = await inspector('guarded', { brokers: [login], sasl }).verify!(new Map([['guarded-0', at(0)]]))
      return faults.map(({ kind, retentionMs }) => [kind, retentionMs])
    }
    const { DESCRIBE, READ, DESCRIBE_CONFIGS } = kafkajs.AclOperationTypes
    await allow(DESCRIBE, READ)
    await expect.poll(() => retentions().catch(String), { timeout: 10_000 }).toEqual([['trimmed', undefined]])
    await allow(DESCRIBE_CONFIGS)
    await expect.poll(() => retentions(), { timeout: 10_000 }).toEqual([['trimmed', 86_400_000]])
  })
})
