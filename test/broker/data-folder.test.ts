/** What a broker finds in its data folder when it starts, and what it makes of it. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'
import { MillraceError } from '../../src/errors.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'

let data: string

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'millrace-data-'))
})

afterEach(() => {
  rmSync(data, { recursive: true, force: true })
})

async function inRun<Result>(work: (broker: RunningBroker) => Promise<Result>): Promise<Result> {
  await using broker = await startBroker({ data })
  return await work(broker)
}

async function create(broker: RunningBroker, topic: string, numPartitions = 1): Promise<void> {
  const admin = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions }] })
  await admin.disconnect()
}

async function topics(broker: RunningBroker): Promise<string[]> {
  const admin = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const names = await admin.listTopics()
  await admin.disconnect()
  return names.sort()
}

test('without a data folder a temporary one is used and removed', async () => {
  const broker = await startBroker()
  expect(existsSync(broker.data)).toBe(true)
  await broker.close()
  expect(existsSync(broker.data)).toBe(false)
})

test('the cluster keeps its id, and the broker epoch grows with each start', async () => {
  const first = await inRun(async broker => broker.clusterId)
  const second = await inRun(async broker => broker.clusterId)
  expect(second).toBe(first)
  expect(readFileSync(join(data, 'format'), 'utf8')).toMatch(
    /^millrace format 1 [0-9a-f]{8}\n\{\n {2}"clusterId": ".{22}",\n {2}"nodeId": 1,\n {2}"brokerEpoch": 2\n\}\n$/,
  )
})

test('a folder that a living process holds is refused', async () => {
  await inRun(async () => {
    await expect(startBroker({ data })).rejects.toMatchObject({
      code: 'FOLDER_LOCKED',
      message: expect.stringContaining(String(process.pid)),
    })
  })
  await inRun(async () => {})
})

test('a port that is taken is refused, and the folder given back', async () => {
  await inRun(async broker => {
    const other = mkdtempSync(join(tmpdir(), 'millrace-data-'))
    const options = { data: other, port: broker.address.port }
    await expect(startBroker(options)).rejects.toMatchObject({ code: 'PORT_IN_USE' })
    await (await startBroker({ data: other })).close()
    rmSync(other, { recursive: true })
  })
})

describe('a damaged folder is refused with a sentence that names the file:', () => {
  beforeEach(() => inRun(broker => create(broker, 't')))

  test.each([
    ['a changed letter', 'format', (text: string) => text.replace('"nodeId": 1', '"nodeId": 2')],
    ['another version', 'format', (text: string) => text.replace('format 1', 'format 9')],
    ['another file', 'topics', () => 'hello'],
    ['an empty file', 'topics', () => ''],
    ['a cut file', 'topics', (text: string) => text.slice(0, -5)],
  ])('%s in %s', async (_, name, change) => {
    const path = join(data, name)
    writeFileSync(path, change(readFileSync(path, 'utf8')))
    await expect(startBroker({ data })).rejects.toMatchObject({
      code: 'CORRUPT_DATA',
      message: expect.stringContaining(path),
    })
  })

  test.each(['format', 'topics'])('%s is missing although there are topics', async name => {
    rmSync(join(data, name))
    await expect(startBroker({ data })).rejects.toMatchObject({
      code: 'CORRUPT_DATA',
      message: expect.stringContaining(join(data, name)),
    })
  })

  test('the folder of a registered partition is missing', async () => {
    rmSync(join(data, 'logs', 't-0'), { recursive: true })
    await expect(startBroker({ data })).rejects.toMatchObject({
      code: 'CORRUPT_DATA',
      message: expect.stringContaining('t-0'),
    })
  })
})

test('folders that a cut creation or deletion left behind are removed', async () => {
  await inRun(broker => create(broker, 't', 2))
  mkdirSync(join(data, 'logs', 'gone-0'))
  mkdirSync(join(data, 'logs', 't-2'))
  expect(await inRun(topics)).toEqual(['t'])
  expect(existsSync(join(data, 'logs', 'gone-0'))).toBe(false)
  expect(existsSync(join(data, 'logs', 't-2'))).toBe(false)
})

test('a creation that the register took although it failed leaves a folder that opens', async () => {
  const real = nodePlatform()
  let fails = false
  const replace = async (path: string, content: Buffer): Promise<void> => {
    await real.files.replace(path, content)
    if (fails && path === join(data, 'topics')) throw new MillraceError('FILE_ERROR', 'No sync.')
  }
  const files = Object.assign(Object.create(real.files) as typeof real.files, { replace })
  {
    await using broker = await startBroker({ data, platform: { ...real, files } })
    await create(broker, 'before')
    fails = true
    await expect(create(broker, 'half')).rejects.toThrow()
    fails = false
    await create(broker, 'after')
    expect(await topics(broker)).toEqual(['after', 'before'])
    fails = true
    await expect(create(broker, 'half')).rejects.toThrow()
  }
  expect(await inRun(topics)).toEqual(['after', 'before', 'half'])
})

test('the folder of another node is refused', async () => {
  await inRun(async () => {})
  await expect(startBroker({ data, config: { nodeId: 2 } })).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: expect.stringContaining('node 1'),
  })
})

test.each([
  [{ port: 70_000 }, 'port'],
  [{ host: '0.0.0.0' }, 'advertisedHost'],
  [{ listeners: [] }, 'at least one'],
  [{ listeners: [{ name: 'A', port: -1 }] }, 'listeners[0].port'],
  [{ listeners: [{ name: 'A B' }] }, 'letters'],
  [{ listeners: [{ name: 'A' }, { name: 'A' }] }, 'named A'],
  [
    {
      listeners: [
        { name: 'A', port: 9 },
        { name: 'B', port: 9 },
      ],
    },
    'another port',
  ],
  [{ listeners: [{ name: 'A' }], port: 1 }, 'listeners or port'],
  [{ listeners: [{ name: 'A', host: '::' }] }, 'advertisedHost'],
  [{ config: { numPartitions: 0 } }, 'numPartitions'],
  [{ config: { maxConnections: 1.5 } }, 'maxConnections'],
])('options that cannot work are refused: %j', async (options, named) => {
  await expect(startBroker({ data, ...options })).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: expect.stringContaining(named),
  })
})
