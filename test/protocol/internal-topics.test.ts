/** Bytes as Kafka's coordinators write them: what its tools read must not change by accident. */
import { expect, test } from 'vitest'
import {
  groupMetadataKey,
  groupMetadataValue,
  offsetCommitKey,
  offsetCommitValue,
  transactionKey,
  transactionValue,
} from '../../src/protocol/internal-topics.ts'
import { decodeVersioned, encodeVersioned, versionOf } from '../../src/protocol/versioned.ts'
import { hex } from './hex.ts'

const written = (bytes: Buffer) => bytes.toString('hex')

test('offset commit', () => {
  const key = { group: 'g', topic: 'to', partition: 3 }
  const keyBytes = encodeVersioned(offsetCommitKey, 1, key)
  expect(written(keyBytes)).toBe(hex('0001 000167 0002746f 00000003'))
  expect(versionOf(keyBytes)).toBe(1)
  expect(decodeVersioned(offsetCommitKey, keyBytes)).toEqual(key)

  const value = { offset: 258, leaderEpoch: 5, metadata: 'm', commitTimestamp: 1 }
  const bytes = encodeVersioned(offsetCommitValue, 3, value)
  expect(written(bytes)).toBe(hex('0003 0000000000000102 00000005 00016d 0000000000000001'))
  expect(decodeVersioned(offsetCommitValue, bytes)).toMatchObject(value)
})

test('group metadata', () => {
  expect(written(encodeVersioned(groupMetadataKey, 2, { group: 'g' }))).toBe('0002000167')
  const member = {
    memberId: 'm',
    groupInstanceId: null,
    clientId: 'c',
    clientHost: 'h',
    rebalanceTimeout: 1,
    sessionTimeout: 2,
    subscription: Buffer.from('s'),
    assignment: Buffer.from('a'),
  }
  const value = {
    protocolType: 'p',
    generation: 7,
    protocol: null,
    leader: 'm',
    currentStateTimestamp: -1,
    members: [member],
  }
  const bytes = encodeVersioned(groupMetadataValue, 3, value)
  expect(written(bytes)).toBe(
    hex(
      '0003 000170 00000007 ffff 00016d ffffffffffffffff 00000001 00016d ffff 000163 000168 00000001 00000002 0000000173 0000000161',
    ),
  )
  expect(decodeVersioned(groupMetadataValue, bytes)).toEqual(value)
})

test('transactions, with and without tags', () => {
  expect(written(encodeVersioned(transactionKey, 0, { transactionalId: 't' }))).toBe('0000000174')
  const value = {
    producerId: 9n,
    producerEpoch: 1,
    transactionTimeoutMs: 60_000,
    transactionStatus: 1,
    transactionPartitions: [{ topic: 't', partitionIds: [4] }],
    lastUpdateTimestamp: 2,
    startTimestamp: 3,
  }
  const common = hex('0000000000000009 0001 0000ea60 01')
  const times = hex('0000000000000002 0000000000000003')
  expect(written(encodeVersioned(transactionValue, 0, value))).toBe(
    '0000' + common + hex('00000001 000174 00000001 00000004') + times,
  )
  const tagged = encodeVersioned(transactionValue, 1, { ...value, previousProducerId: 8n })
  expect(written(tagged)).toBe(
    '0001' + common + hex('02 0274 02 00000004 00') + times + hex('01 00 08 0000000000000008'),
  )
  expect(decodeVersioned(transactionValue, tagged)).toMatchObject({
    previousProducerId: 8n,
    nextProducerId: -1n,
  })
})

test('a version that is not known is refused', () => {
  expect(() => decodeVersioned(offsetCommitValue, Buffer.from('0009', 'hex'))).toThrow(/use 0 to 4/)
})
