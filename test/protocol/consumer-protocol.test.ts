import { createRequire } from 'node:module'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../src/protocol/consumer-protocol.ts'

const require = createRequire(import.meta.url)
const kafkajs = require('../../node_modules/kafkajs/src/consumer/assignerProtocol.js')

const topics = [{ topic: 'a', partitions: [0, 2] }]
const subscription = {
  topics: ['a', 'b'],
  userData: Buffer.from('user'),
  ownedPartitions: topics,
  generationId: 4,
  rackId: 'r1',
}

test('every version of a subscription keeps what it can say', () => {
  const absent = { ownedPartitions: [], generationId: -1, rackId: null }
  const since = (version: number) => ({
    ...subscription,
    ...(version < 1 && { ownedPartitions: absent.ownedPartitions }),
    ...(version < 2 && { generationId: absent.generationId }),
    ...(version < 3 && { rackId: absent.rackId }),
  })
  for (const version of [0, 1, 2, 3]) {
    expect(decodeSubscription(encodeSubscription(subscription, version))).toEqual(since(version))
  }
})

test('assignments come back', () => {
  const assignment = { assignedPartitions: topics, userData: null }
  expect(decodeAssignment(encodeAssignment(assignment))).toEqual(assignment)
})

test('a version from the future is read as far as it is known', () => {
  const bytes = Buffer.concat([encodeSubscription(subscription), Buffer.from('more')])
  bytes.writeInt16BE(9, 0)
  expect(decodeSubscription(bytes)).toEqual(subscription)
})

test('what is cut short is refused', () => {
  const bytes = encodeSubscription(subscription)
  for (let length = 0; length < bytes.length; length++) {
    expect(() => decodeSubscription(bytes.subarray(0, length))).toThrow(/consumer subscription/)
  }
})

test('kafkajs members and ours understand each other', () => {
  const metadata = { topics: ['a', 'b'], userData: Buffer.from('user') }
  const theirs = kafkajs.MemberMetadata.encode({ version: 1, ...metadata })
  expect(decodeSubscription(Buffer.concat([theirs, Buffer.alloc(4)]))).toMatchObject(metadata)
  expect(kafkajs.MemberMetadata.decode(encodeSubscription(metadata, 0))).toMatchObject(metadata)

  const assigned = kafkajs.MemberAssignment.encode({
    version: 0,
    assignment: { a: [0, 2] },
    userData: Buffer.alloc(0),
  })
  expect(decodeAssignment(assigned).assignedPartitions).toEqual(topics)
  const ours = encodeAssignment({ assignedPartitions: topics, userData: Buffer.from('u') }, 0)
  expect(kafkajs.MemberAssignment.decode(ours)).toMatchObject({ assignment: { a: [0, 2] } })
})

test('nothing a member sends does more than be refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), noise => {
      try {
        decodeSubscription(Buffer.from(noise))
      } catch (error) {
        expect(error).toHaveProperty('code', 'PROTOCOL_ERROR')
      }
    }),
    { numRuns: 500 },
  )
})
