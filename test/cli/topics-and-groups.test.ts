import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { millrace, type Outcome, pipeInto, startMillrace } from './millrace.ts'
import { type RunningBroker, startRunningBroker } from './running-broker.ts'

let broker: RunningBroker
beforeAll(async () => {
  broker = await startRunningBroker()
})
afterAll(() => broker.stop())

const call = (...args: string[]): Outcome => millrace(...args, '--brokers', broker.address)
const produce = (input: string, topic: string, ...flags: string[]): Outcome =>
  pipeInto(input, 'produce', topic, '--brokers', broker.address, ...flags)
const consume = (topic: string, ...flags: string[]): Record<string, unknown>[] => {
  const flagsToEnd = ['--from-beginning', '--until-end', ...flags]
  const { stdout, stderr, status } = call('consume', topic, ...flagsToEnd)
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Record<string, unknown>)
}

describe('topics', () => {
  test('are made, listed, described and deleted', () => {
    const flags = ['--partitions', '2', '--config', 'cleanup.policy=compact']
    expect(call('topics', 'create', 'things', ...flags)).toMatchObject({
      status: 0,
      stdout: 'created things\n',
    })
    expect(call('topics', 'list', '--json').stdout).toContain('{"topic":"things","partitions":2}\n')
    const { stdout } = call('topics', 'describe', 'things')
    expect(stdout).toMatch(/^Topic +Partition +Leader +Replicas +In Sync +Start +End\n/)
    expect(stdout).toMatch(/^things +1 +\d+ +\d+ +\d+ +0 +0$/m)
    expect(stdout).toMatch(/\n\nTopic +Setting +Value\nthings +cleanup\.policy +compact\n$/)
    expect(call('topics', 'delete', 'things').stdout).toBe('deleted things\n')
    expect(call('topics', 'list').stdout).toMatch(/^Topic +Partitions\n/)
    expect(call('topics', 'describe', 'things').stderr).toMatch(
      /^error: There is no topic 'things'.*\[MISSING_TOPIC\]\n$/,
    )
  })

  test('what the broker refuses is said with its code', () => {
    const wrong = call('topics', 'create', 'wrong', '--config', 'retention.ms=soon')
    expect(wrong.stderr).toMatch(/^error: .*INVALID_CONFIG.*'wrong'.*\[LOG_ERROR\]\n$/)
    const nobody = millrace('topics', 'list', '--brokers', '127.0.0.1:1')
    expect(nobody.stderr).toMatch(/^error: .*127\.0\.0\.1:1.*\[CONNECTION_LOST\]\n$/)
    expect(nobody.status).toBe(1)
  })
})

describe('produce and consume', () => {
  test('lines become records, with keys where there is a separator', async () => {
    await broker.createTopics('words')
    const { stdout } = produce('a:1\nb:2\na:3:4', 'words', '--key-separator', ':')
    expect(stdout).toBe('3 records written to words\n')
    const records = consume('words')
    const ofA = records.filter(({ key }) => key === 'a')
    expect(ofA.map(({ value }) => value)).toEqual(['1', '3:4'])
    expect(records).toContainEqual({
      topic: 'words',
      partition: expect.any(Number),
      offset: expect.any(Number),
      timestamp: expect.any(Number),
      key: 'b',
      value: '2',
    })
    // Where other clients would look for the key.
    expect(broker.values('words')).toHaveLength(3)
  })

  test('what is consumed can be produced again, bytes and headers included', async () => {
    await broker.createTopics('from', 'to')
    const records = [
      { key: { base64: '/wA=' }, value: null, headers: [['h', 'x']], timestamp: 5, partition: 2 },
      { key: null, value: 'é', headers: [['n', null]], timestamp: 6, partition: 2 },
    ]
    produce(records.map(record => `${JSON.stringify(record)}\n`).join(''), 'from', '--json')
    const copied = consume('from')
    expect(copied).toEqual(
      records.map((record, offset) => expect.objectContaining({ ...record, offset })),
    )
    produce(copied.map(record => JSON.stringify(record)).join('\n'), 'to', '--json')
    expect(consume('to')).toEqual(copied.map(record => ({ ...record, topic: 'to' })))
    expect(consume('to', '--partition', '2', '--max-records', '1')).toHaveLength(1)
  })

  test('a line that is no record says so, and those before it are written', async () => {
    await broker.createTopics('lines')
    const { status, stderr } = produce('{"value":"a"}\n{"value":5}\n', 'lines', '--json')
    expect(stderr).toMatch(/^error: Line 2 is no record: .*One looks like.*\[INVALID_CONFIG\]\n$/)
    expect(status).toBe(2)
    expect(consume('lines')).toHaveLength(1)
  })

  test('a topic that is not there', () => {
    expect(produce('a\n', 'nowhere').stderr).toMatch(
      /There is no topic 'nowhere'.*\[MISSING_TOPIC\]/,
    )
    expect(call('consume', 'words', '--partition', '9').stderr).toMatch(/no partition words-9/)
  })

  test('records that are still to come are printed until a signal', async () => {
    await broker.createTopics('coming')
    await broker.produce('coming', ['before'])
    const flags = ['--brokers', broker.address, '--from-beginning']
    const consumer = startMillrace('consume', 'coming', ...flags)
    await consumer.line(/"value":"before"/)
    await broker.produce('coming', ['after'])
    await consumer.line(/"value":"after"/)
    expect(await consumer.stop('SIGTERM')).toBe(0)
  })
})

describe('groups', () => {
  test('how far an app is, and who does it', async () => {
    await broker.createTopics('in', 'out')
    await broker.produce('in', ['a', 'b', 'c'])
    const path = join(broker.folder, 'copy.ts')
    writeFileSync(
      path,
      `import { defineApp, string } from '${new URL('../../src/index.ts', import.meta.url).href}'
      const text = { key: string(), value: string() }
      export default defineApp('copy', builder => builder.stream('in', text).to('out', text))`,
    )
    const state = ['--state', join(broker.folder, 'state')]
    const app = startMillrace('run', path, '--brokers', broker.address, ...state)
    await app.logged(/copy is RUNNING/)
    await expect.poll(() => broker.values('out'), { timeout: 30_000 }).toHaveLength(3)
    expect(call('groups', 'list').stdout).toMatch(/^copy +Stable +1$/m)
    expect(await app.stop('SIGTERM')).toBe(0)
    await broker.produce('in', ['a'])
    const { stdout } = call('groups', 'describe', 'copy', '--json')
    const rows = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { lag: number })
    expect(rows.reduce((sum, { lag }) => sum + lag, 0)).toBe(1)
    expect(rows.length).toBeGreaterThan(0)
  })
})
