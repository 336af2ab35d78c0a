import { expect, test } from 'vitest'
import { ProducerQueue } from '../../src/client/producer-queue.ts'
import type { QueuedBatch } from '../../src/client/producer-queue.ts'
import { baseSequence, checkBatch, producerId } from '../../src/protocol/record-batch.ts'
import { batchOf } from './records.ts'

const me = { producerId: 7n, producerEpoch: 0, isTransactional: false }
const myNext = { producerId: 8n, producerEpoch: 0, isTransactional: false }

/** A queue of as many batches of two records, and what became of them. */
function queueOf(count: number): { queue: ProducerQueue; batches: QueuedBatch[]; log: string[] } {
  const queue = new ProducerQueue({ topic: 't', partition: 0 })
  const log: string[] = []
  const batches = Array.from({ length: count }, (_, index): QueuedBatch => {
    const queued: QueuedBatch = {
      batch: batchOf(['x', 'y']),
      deadline: 0,
      identity: null,
      acknowledged: offset => void log.push(`${index} at ${offset}`),
      failed: error => void log.push(`${index} ${error.message}`),
    }
    queue.push(queued)
    return queued
  })
  return { queue, batches, log }
}

/** Sends whatever may be sent to the broker; returns how many. */
function sendAll(queue: ProducerQueue, nodeId: number, identity = me): number {
  for (let sent = 0; ; sent += 1) {
    const next = queue.next(nodeId, identity)
    if (next === undefined) return sent
    queue.send(next, nodeId, identity)
  }
}

/** A queue whose first batch is acknowledged and whose others are all in flight at broker 1. */
function flying(count: number): ReturnType<typeof queueOf> {
  const made = queueOf(count + 1)
  expect(sendAll(made.queue, 1)).toBe(1)
  const first = made.batches.shift()
  if (first !== undefined) made.queue.acknowledge(first, 0)
  expect(sendAll(made.queue, 1)).toBe(count)
  return made
}

test('batches are stamped in order with a checksum that is right', () => {
  const { batches } = flying(3)
  expect(batches.map(({ batch }) => baseSequence(batch))).toEqual([2, 4, 6])
  expect(batches.map(({ batch }) => producerId(batch))).toEqual([7n, 7n, 7n])
  expect(batches.map(({ batch }) => checkBatch(batch))).toEqual([null, null, null])
})

test('after a failure nothing is sent until none is in flight, then one at a time', () => {
  const { queue, batches, log } = flying(3)
  const [first, second, third] = batches
  if (!first || !second || !third) throw new Error('three batches')
  queue.repeat(first)
  expect(sendAll(queue, 1)).toBe(0)
  queue.repeat(second)
  expect(sendAll(queue, 1)).toBe(0)
  queue.repeat(third)
  expect(sendAll(queue, 1)).toBe(1)
  expect(baseSequence(first.batch)).toBe(2)
  queue.acknowledge(first, 2)
  expect(sendAll(queue, 1)).toBe(2)
  expect(log).toEqual(['0 at 0', '1 at 2'])
})

test('a later batch that is acknowledged does not end the care for an earlier one', () => {
  const { queue, batches } = flying(3)
  const [first, second] = batches
  if (!first || !second) throw new Error('three batches')
  queue.repeat(first)
  queue.acknowledge(second, 4)
  expect(sendAll(queue, 1)).toBe(0)
})

test('batches go to a new leader only when the old one has none in flight', () => {
  const { queue, batches } = flying(1)
  for (const queued of queueOf(1).batches) queue.push(queued)
  expect(sendAll(queue, 2)).toBe(0)
  if (batches[0]) queue.acknowledge(batches[0], 2)
  expect(sendAll(queue, 2)).toBe(1)
})

test('a new identity begins at sequence 0, behind all batches of the old one', () => {
  const { queue, batches } = flying(1)
  const later = queueOf(2).batches
  for (const queued of later) queue.push(queued)
  expect(sendAll(queue, 1, myNext)).toBe(0)
  if (batches[0]) queue.acknowledge(batches[0], 2)
  expect(sendAll(queue, 1, myNext)).toBe(1)
  expect(later.map(({ batch }) => [producerId(batch), baseSequence(batch)])).toEqual([
    [8n, 0],
    [-1n, -1],
  ])
})

test('a repeated batch keeps the identity and sequence under which the broker may know it', () => {
  const { queue, batches } = flying(1)
  if (batches[0]) queue.repeat(batches[0])
  expect(sendAll(queue, 1, myNext)).toBe(1)
  expect(batches.map(({ batch }) => [producerId(batch), baseSequence(batch)])).toEqual([[7n, 2]])
})

test('a queue that fails tells every batch, and ignores what is heard of them later', () => {
  const { queue, batches, log } = flying(2)
  queue.fail(new Error('no'))
  expect(log).toEqual(['0 at 0', '1 no', '2 no'])
  for (const queued of batches) {
    queue.acknowledge(queued, 9)
    queue.repeat(queued)
  }
  expect(log).toHaveLength(3)
  expect(queue.first).toBeUndefined()
})
