/** Requests about settings: what is well formed, and where a value is said to come from. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'
import { errorName } from '../../src/protocol/error-codes.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { describeConfigs } from '../../src/protocol/messages/32-describe-configs.ts'
import { alterConfigs } from '../../src/protocol/messages/33-alter-configs.ts'
import { incrementalAlterConfigs } from '../../src/protocol/messages/44-incremental-alter-configs.ts'
import { Peer } from './peer.ts'

const TOPIC = 2
const BROKER = 4
const [SET, DELETE, APPEND] = [0, 1, 2]
let broker: RunningBroker
let peer: Peer

beforeAll(async () => {
  broker = await startBroker({ config: { numPartitions: 3 } })
  peer = await Peer.open(broker.address)
  const topic = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  await peer.ask(createTopics, 7, {
    topics: [
      { ...topic, name: 'a' },
      { ...topic, name: 'b' },
    ],
    timeoutMs: 1000,
    validateOnly: false,
  })
})

afterAll(async () => {
  await peer.close()
  await broker.close()
})

type Change = readonly [name: string, value: string | null, operation?: number]

async function alter(resources: readonly [string, readonly Change[]][]): Promise<string[]> {
  const { responses } = await peer.ask(alterConfigs, 2, {
    resources: resources.map(([resourceName, configs]) => ({
      resourceType: TOPIC,
      resourceName,
      configs: configs.map(([name, value]) => ({ name, value })),
    })),
    validateOnly: false,
  })
  return responses.map(({ errorCode }) => errorName(errorCode))
}

async function change(
  resources: readonly [string, readonly Change[]][],
  resourceType = TOPIC,
): Promise<string[]> {
  const { responses } = await peer.ask(incrementalAlterConfigs, 1, {
    resources: resources.map(([resourceName, configs]) => ({
      resourceType,
      resourceName,
      configs: configs.map(([name, value, configOperation = SET]) => ({
        name,
        value,
        configOperation,
      })),
    })),
    validateOnly: false,
  })
  return responses.map(({ errorCode }) => errorName(errorCode))
}

async function values(resourceType: number, resourceName: string, keys: string[] | null) {
  const { results } = await peer.ask(describeConfigs, 4, {
    resources: [{ resourceType, resourceName, configurationKeys: keys }],
    includeSynonyms: true,
    includeDocumentation: false,
  })
  return results[0]?.configs ?? []
}

/** `name=value@source` of the setting and of what it would be otherwise. */
async function sources(type: number, resource: string, name: string): Promise<string[]> {
  const [entry] = await values(type, resource, [name])
  const own = `${entry?.value}@${entry?.configSource}`
  const others = entry?.synonyms.map(other => `${other.name}=${other.value}@${other.source}`)
  return [own, ...(others ?? [])]
}

describe('a change of settings', () => {
  const retention: Change = ['retention.ms', '1000']

  test('that names a resource twice touches neither, and the others', async () => {
    const request: [string, Change[]][] = [
      ['a', [retention]],
      ['b', [retention]],
      ['a', [['retention.ms', '2000']]],
    ]
    const expected = ['INVALID_REQUEST', 'NONE', 'INVALID_REQUEST']
    expect(await alter(request)).toEqual(expected)
    expect(await change(request)).toEqual(expected)
    expect(await sources(TOPIC, 'a', 'retention.ms')).toHaveLength(2)
  })

  test('that names a setting twice or gives it no value is refused', async () => {
    for (const ask of [alter, change]) {
      expect(await ask([['a', [retention, retention]]])).toEqual(['INVALID_REQUEST'])
      expect(await ask([['a', [['retention.ms', null]]]])).toEqual(['INVALID_REQUEST'])
    }
    expect(await change([['a', [['cleanup.policy', null, APPEND]]]])).toEqual(['INVALID_REQUEST'])
    expect(await change([['a', [['cleanup.policy', null, DELETE]]]])).toEqual(['NONE'])
    expect(await change([['a', [['cleanup.policy', 'compact', 4]]]])).toEqual(['INVALID_REQUEST'])
  })

  test('of the broker is refused: it is started with its settings, and has none to delete', async () => {
    const clear: Change = ['leader.replication.throttled.rate', null, DELETE]
    expect(await change([['1', [clear]]], BROKER)).toEqual(['NONE'])
    expect(await change([['1', [clear, ['num.partitions', '2']]]], BROKER)).toEqual([
      'INVALID_REQUEST',
    ])
    expect(await change([['2', [clear]]], BROKER)).toEqual(['INVALID_REQUEST'])
    expect(await change([['1', [['num.partitions', '2']]]], BROKER)).toEqual(['INVALID_REQUEST'])
    expect(await change([['', [['num.partitions', '2']]]], BROKER)).toEqual(['INVALID_REQUEST'])
  })
})

describe('a description of settings', () => {
  test('says what a value of a topic would be otherwise, under the broker’s name', async () => {
    await change([['b', [['max.message.bytes', '2000']]]])
    const own = await sources(TOPIC, 'b', 'max.message.bytes')
    expect(own).toEqual([
      '2000@1',
      'max.message.bytes=2000@1',
      expect.stringMatching(/^message\.max\.bytes=\d+@5$/),
    ])
    expect(await sources(TOPIC, 'a', 'cleanup.policy')).toEqual([
      'delete@5',
      'log.cleanup.policy=delete@5',
    ])
    expect(await sources(TOPIC, 'a', 'follower.replication.throttled.replicas')).toEqual(['@5'])
  })

  test('says which settings of the broker it was started with', async () => {
    expect(await sources(BROKER, '1', 'num.partitions')).toEqual([
      '3@4',
      'num.partitions=3@4',
      'num.partitions=1@5',
    ])
  })

  test('of all brokers together is empty, and no keys mean all', async () => {
    expect(await values(BROKER, '', null)).toEqual([])
    expect(await values(TOPIC, 'a', [])).toEqual(await values(TOPIC, 'a', null))
    expect(await values(TOPIC, 'a', ['unknown'])).toEqual([])
  })
})
