/** Every API that the broker names to its clients, in every version it names, asked over a socket. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { handlers } from '../../src/broker/api/index.ts'
import { completeMessage } from '../../src/broker/complete-message.ts'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'
import { errorCode } from '../../src/protocol/error-codes.ts'
import { decodeResponse, encodeRequest, encodeResponse } from '../../src/protocol/frame.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { apis } from '../../src/protocol/messages/index.ts'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'
import { zeroUuid } from '../../src/protocol/schema.ts'
import { encodeSubscription } from '../../src/protocol/consumer-protocol.ts'
import { Peer } from './peer.ts'

let broker: RunningBroker
let peer: Peer
let topicId = ''
let correlationId = 0

const topic = 't'
const groupId = 'g'

interface Sample {
  readonly body: (version: number) => object
  /** Codes that the answer may have anywhere; NONE alone when left out. */
  readonly codes?: readonly number[]
}

function batch(): Buffer {
  const builder = new RecordBatchBuilder()
  builder.append(Buffer.from('k'), Buffer.from('v'), 1, [])
  return builder.build()
}

const place = { partitionIndex: 0 }

/** What is asked where the defaults of the fields would ask for nothing. */
const samples: Readonly<Record<number, Sample>> = {
  0: {
    body: () => ({
      transactionalId: null,
      acks: -1,
      topicData: [{ name: topic, partitionData: [{ index: 0, records: batch() }] }],
    }),
  },
  1: {
    body: version => ({
      maxBytes: 1000,
      sessionEpoch: -1,
      topics: [
        {
          ...(version < 13 ? { topic } : { topicId }),
          partitions: [{ partition: 0, currentLeaderEpoch: -1, partitionMaxBytes: 1000 }],
        },
      ],
    }),
  },
  2: {
    body: () => ({
      replicaId: -1,
      topics: [{ name: topic, partitions: [{ ...place, currentLeaderEpoch: -1, timestamp: -1 }] }],
    }),
  },
  3: { body: () => ({ topics: [{ name: topic, topicId: zeroUuid }] }) },
  8: {
    body: () => ({
      groupId,
      generationIdOrMemberEpoch: -1,
      topics: [
        { name: topic, partitions: [{ ...place, committedOffset: 1, committedMetadata: '' }] },
      ],
    }),
  },
  9: {
    body: version => {
      const wanted = { groupId, topics: [{ name: topic, partitionIndexes: [0] }] }
      return version < 8 ? wanted : { groups: [wanted], requireStable: true }
    },
  },
  10: { body: version => (version < 4 ? { key: groupId } : { coordinatorKeys: [groupId, 'h'] }) },
  11: {
    body: version => ({
      groupId: `joined in ${version}`,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [
        { name: 'range', metadata: encodeSubscription({ topics: [topic], ownedPartitions: [] }) },
      ],
    }),
    codes: [errorCode.NONE, errorCode.MEMBER_ID_REQUIRED],
  },
  12: { body: () => ({ groupId }), codes: [errorCode.UNKNOWN_MEMBER_ID] },
  13: {
    body: version => ({ groupId, ...(version < 3 ? {} : { members: [{ memberId: 'm' }] }) }),
    codes: [errorCode.NONE, errorCode.UNKNOWN_MEMBER_ID],
  },
  14: { body: () => ({ groupId }), codes: [errorCode.UNKNOWN_MEMBER_ID] },
  15: { body: () => ({ groups: [groupId, 'joined in 0', 'unknown'] }) },
  16: { body: () => ({}) },
  18: { body: () => ({ clientSoftwareName: 'peer', clientSoftwareVersion: '1' }) },
  19: {
    body: version => ({
      topics: [
        { name: `made in ${version}`.replaceAll(' ', '-'), numPartitions: 2, replicationFactor: 1 },
      ],
    }),
  },
  20: {
    body: version => {
      const name = `made-in-${version + 1}`
      return version < 6 ? { topicNames: [name] } : { topics: [{ name, topicId: zeroUuid }] }
    },
  },
  21: { body: () => ({ topics: [{ name: topic, partitions: [{ ...place, offset: 1 }] }] }) },
  22: { body: () => ({ transactionalId: null }) },
  23: {
    body: () => ({
      replicaId: -1,
      topics: [{ topic, partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 1 }] }],
    }),
  },
  24: {
    body: () => ({ transactionalId: 'x', topics: [{ name: topic, partitions: [0] }] }),
    codes: [errorCode.NONE, errorCode.INVALID_PRODUCER_ID_MAPPING],
  },
  25: {
    body: () => ({ transactionalId: 'x', groupId }),
    codes: [errorCode.INVALID_PRODUCER_ID_MAPPING],
  },
  26: {
    body: () => ({ transactionalId: 'x', committed: true }),
    codes: [errorCode.INVALID_PRODUCER_ID_MAPPING],
  },
  28: {
    body: () => ({
      transactionalId: 'x',
      groupId,
      topics: [
        {
          name: topic,
          partitions: [{ ...place, committedOffset: 1, committedMetadata: '' }],
        },
      ],
    }),
    codes: [errorCode.INVALID_PRODUCER_ID_MAPPING],
  },
  32: {
    body: () => ({
      resources: [
        { resourceType: 2, resourceName: topic, configurationKeys: null },
        { resourceType: 4, resourceName: '1', configurationKeys: null },
      ],
      includeSynonyms: true,
      includeDocumentation: true,
    }),
  },
  33: { body: () => ({ resources: [{ resourceType: 2, resourceName: topic, configs: [] }] }) },
  35: { body: () => ({ topics: null }) },
  37: {
    body: () => ({ topics: [{ name: topic, count: 9, assignments: null }], validateOnly: true }),
  },
  42: { body: () => ({ groupsNames: ['unknown'] }), codes: [errorCode.GROUP_ID_NOT_FOUND] },
  43: {
    body: () => ({ topicPartitions: [{ topic, partitions: [0] }] }),
    codes: [errorCode.NONE, errorCode.ELECTION_NOT_NEEDED],
  },
  44: {
    body: () => ({
      resources: [
        {
          resourceType: 2,
          resourceName: topic,
          configs: [{ name: 'retention.ms', configOperation: 0, value: '1000000' }],
        },
      ],
    }),
  },
  45: { body: () => ({ topics: [{ name: topic, partitions: [{ ...place, replicas: [1] }] }] }) },
  46: { body: () => ({ topics: null }) },
  47: { body: () => ({ groupId, topics: [{ name: topic, partitions: [place] }] }) },
  60: { body: () => ({ endpointType: 1 }) },
  61: { body: () => ({ topics: [{ name: topic, partitionIndexes: [0] }] }) },
  65: {
    body: () => ({ transactionalIds: ['x'] }),
    codes: [errorCode.TRANSACTIONAL_ID_NOT_FOUND],
  },
  66: { body: () => ({}) },
  75: { body: () => ({ responsePartitionLimit: 1, cursor: null }) },
}

beforeAll(async () => {
  broker = await startBroker()
  peer = await Peer.open(broker.address)
  const made = await peer.ask(createTopics, 7, {
    topics: [{ name: topic, numPartitions: 3, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 1000,
    validateOnly: false,
  })
  topicId = made.topics[0]?.topicId ?? ''
})

afterAll(async () => {
  peer.socket.destroy()
  await broker.close()
})

const versions = [...handlers.values()].flatMap(({ key, name, minVersion, maxVersion }) =>
  Array.from({ length: maxVersion - minVersion + 1 }, (_, i) => ({
    key,
    label: `${name} ${minVersion + i}`,
    version: minVersion + i,
  })),
)

describe('the broker answers in the form of the version it is asked in', () => {
  test.each(versions)('$label', async ({ key, version }) => {
    const api = apis.get(key)
    if (api === undefined) throw new Error(`API ${key} is served and cannot be encoded`)
    const sample = samples[key]
    const body = completeMessage(api.request, version, sample?.body(version) ?? {}, 'request')
    const header = { correlationId: ++correlationId, clientId: 'peer' }
    peer.socket.write(encodeRequest(api, version, header, body))
    const frame = await peer.next()
    const answer = decodeResponse(api, version, frame)
    const again = Buffer.concat(encodeResponse(api, version, correlationId, answer))
    expect(again.subarray(4).equals(frame), 'the frame holds the answer and nothing else').toBe(
      true,
    )
    if (sample === undefined) return
    const allowed = sample.codes ?? [errorCode.NONE]
    for (const code of errorCodesIn(answer)) expect(allowed).toContain(code)
  })
})

function errorCodesIn(value: unknown): number[] {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return []
  return Object.entries(value).flatMap(([name, field]) =>
    name === 'errorCode' && typeof field === 'number' ? [field] : errorCodesIn(field),
  )
}
