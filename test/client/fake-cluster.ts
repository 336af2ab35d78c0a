import type { Connection, Connector } from '../../src/client/connection.ts'
import { MillraceError } from '../../src/errors.ts'
import type { Address, Platform } from '../../src/platform/platform.ts'
import { errorCode } from '../../src/protocol/error-codes.ts'
import {
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from '../../src/protocol/frame.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { findCoordinator } from '../../src/protocol/messages/10-find-coordinator.ts'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.ts'
import { addPartitionsToTxn } from '../../src/protocol/messages/24-add-partitions-to-txn.ts'
import { addOffsetsToTxn } from '../../src/protocol/messages/25-add-offsets-to-txn.ts'
import { endTxn } from '../../src/protocol/messages/26-end-txn.ts'
import { txnOffsetCommit } from '../../src/protocol/messages/28-txn-offset-commit.ts'
import { buildControlBatch } from '../../src/protocol/control-batch.ts'
import {
  baseOffset,
  baseSequence,
  isControl,
  isTransactional,
  producerEpoch,
  producerId,
  recordCount,
  setBaseOffset,
} from '../../src/protocol/record-batch.ts'
import type { Infer, InferInput } from '../../src/protocol/schema.ts'
import { FakeTransactions } from './fake-transactions.ts'

/** What goes wrong with one request. An error code is answered instead of serving it. */
export type Fault = 'lostBefore' | 'lostAfter' | 'moveLeader' | number

interface Partition {
  leaderId: number
  leaderEpoch: number
  startOffset: number
  readonly batches: Buffer[]
}

const sequences = 2 ** 31
const latencyMs = 1
const topicId = '00000000-0000-0000-0000-00000000cafe'

/**
 * Brokers in a few lines, for faults that real ones cannot be asked for: one topic `t`, leaders that move, requests that
 * are lost on the way there or back. It keeps Kafka's rules of idempotent producers, so a client that breaks them is
 * found out by the log.
 */
export class FakeCluster {
  readonly nodes: number
  readonly partitions: Partition[] = []
  /** Asked once for every request but Metadata. */
  fault: (api: string, nodeId: number) => Fault | undefined = () => undefined
  readonly requests: { api: string; nodeId: number }[] = []
  openConnections = 0
  /** Timers of the cluster itself. */
  timers = 0
  readonly transactions = new FakeTransactions(
    (partition, { producerId: id, epoch }, committed) => {
      const type = committed ? 'commit' : 'abort'
      const producer = { producerId: id, producerEpoch: epoch }
      const marker = buildControlBatch({ ...producer, type, coordinatorEpoch: 0, timestamp: 1_000 })
      setBaseOffset(marker, this.endOffset(partition))
      this.#partition(partition).batches.push(marker)
    },
  )
  #producerIds = 0n
  readonly #platform: Platform

  constructor(platform: Platform, options: { nodes: number; partitions: number }) {
    this.#platform = platform
    this.nodes = options.nodes
    for (let index = 0; index < options.partitions; index += 1) {
      const leaderId = index % options.nodes
      this.partitions.push({ leaderId, leaderEpoch: 0, startOffset: 0, batches: [] })
    }
  }

  get bootstrap(): Address[] {
    return [addressOf(0)]
  }

  readonly connector: Connector = async address => {
    this.openConnections += 1
    return this.#connection(address.port)
  }

  moveLeader(index: number): void {
    const partition = this.#partition(index)
    partition.leaderId = (partition.leaderId + 1) % this.nodes
    partition.leaderEpoch += 1
  }

  #connection(nodeId: number): Connection {
    let closed = false
    let last: Promise<unknown> = Promise.resolve()
    const lost = new MillraceError('CONNECTION_LOST', `Node ${nodeId} hung up.`)
    const hangUp = (): void => {
      if (!closed) this.openConnections -= 1
      closed = true
    }
    return {
      request: (api, body) => {
        const served = last.then(async () => {
          await this.#pass(latencyMs)
          if (closed) throw lost
          this.requests.push({ api: api.name, nodeId })
          const fault = api.key === metadata.key ? undefined : this.fault(api.name, nodeId)
          if (fault === 'lostBefore') hangUp()
          if (closed) throw lost
          if (fault === 'moveLeader') this.#moveAll()
          const failing = typeof fault === 'number' ? fault : errorCode.NONE
          const version = api.maxVersion
          const frame = encodeRequest(api, version, { correlationId: 1, clientId: null }, body)
          const response = await this.#serve(frame.subarray(4), nodeId, failing)
          if (fault === 'lostAfter') hangUp()
          if (closed) throw lost
          return decodeResponse(api, version, response.subarray(4))
        })
        last = served.catch(() => undefined)
        return served
      },
      close: async () => hangUp(),
    }
  }

  async #pass(ms: number): Promise<void> {
    this.timers += 1
    await new Promise<void>(resolve => {
      this.#platform.timers.schedule(ms, resolve)
    })
    this.timers -= 1
  }

  #moveAll(): void {
    for (const index of this.partitions.keys()) this.moveLeader(index)
  }

  /** Answers a request frame, without the size in front of either. */
  async #serve(frame: Buffer, nodeId: number, failing: number): Promise<Buffer> {
    const { apiKey, apiVersion: version, correlationId: id, reader } = decodeRequestHeader(frame)
    switch (apiKey) {
      case metadata.key:
        return Buffer.concat(encodeResponse(metadata, version, id, this.#metadata()))
      case initProducerId.key: {
        const { transactionalId } = decodeRequest(initProducerId, version, reader)
        this.#producerIds += 1n
        const given =
          transactionalId === null || failing !== errorCode.NONE
            ? { producerId: this.#producerIds, producerEpoch: 0 }
            : this.transactions.init(transactionalId, this.#producerIds)
        const answer = { errorCode: failing, ...given }
        return Buffer.concat(encodeResponse(initProducerId, version, id, answer))
      }
      case findCoordinator.key: {
        const { coordinatorKeys } = decodeRequest(findCoordinator, version, reader)
        const coordinators = coordinatorKeys.map(key => {
          const coordinatorId = this.requests.length % this.nodes
          return { key, nodeId: coordinatorId, ...addressOf(coordinatorId), errorCode: failing }
        })
        const answer = { errorCode: failing, host: '', coordinators }
        return Buffer.concat(encodeResponse(findCoordinator, version, id, answer))
      }
      case addPartitionsToTxn.key: {
        const body = decodeRequest(addPartitionsToTxn, version, reader)
        const results = body.topics.map(({ name, partitions }) => {
          const code = failing || this.transactions.addPartitions(body, partitions)
          return {
            name,
            resultsByPartition: partitions.map(partitionIndex => ({
              partitionIndex,
              partitionErrorCode: code,
            })),
          }
        })
        return Buffer.concat(encodeResponse(addPartitionsToTxn, version, id, { results }))
      }
      case addOffsetsToTxn.key: {
        const body = decodeRequest(addOffsetsToTxn, version, reader)
        const answer = { errorCode: failing || this.transactions.addGroup(body, body.groupId) }
        return Buffer.concat(encodeResponse(addOffsetsToTxn, version, id, answer))
      }
      case txnOffsetCommit.key: {
        const body = decodeRequest(txnOffsetCommit, version, reader)
        const topics = body.topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex, committedOffset }) => ({
            partitionIndex,
            errorCode:
              failing ||
              this.transactions.commitOffset(body, body.groupId, partitionIndex, committedOffset),
          })),
        }))
        return Buffer.concat(encodeResponse(txnOffsetCommit, version, id, { topics }))
      }
      case endTxn.key: {
        const body = decodeRequest(endTxn, version, reader)
        const answer = { errorCode: failing || this.transactions.end(body, body.committed) }
        return Buffer.concat(encodeResponse(endTxn, version, id, answer))
      }
      case produce.key: {
        const body = decodeRequest(produce, version, reader)
        return Buffer.concat(
          encodeResponse(produce, version, id, this.#produce(body, nodeId, failing)),
        )
      }
      case fetch.key: {
        const body = decodeRequest(fetch, version, reader)
        return Buffer.concat(
          encodeResponse(fetch, version, id, await this.#fetch(body, nodeId, failing)),
        )
      }
      case listOffsets.key: {
        const body = decodeRequest(listOffsets, version, reader)
        return Buffer.concat(encodeResponse(listOffsets, version, id, this.#listOffsets(body)))
      }
      default:
        throw new Error(`the fake cluster does not serve API ${apiKey}`)
    }
  }

  #metadata(): InferInput<typeof metadata.response> {
    return {
      throttleTimeMs: 0,
      brokers: Array.from({ length: this.nodes }, (_, nodeId) => ({
        nodeId,
        ...addressOf(nodeId),
        rack: null,
      })),
      clusterId: 'fake',
      controllerId: 0,
      clusterAuthorizedOperations: 0,
      topics: [
        {
          errorCode: errorCode.NONE,
          name: 't',
          topicId,
          isInternal: false,
          topicAuthorizedOperations: 0,
          partitions: this.partitions.map(({ leaderId, leaderEpoch }, partitionIndex) => ({
            errorCode: errorCode.NONE,
            partitionIndex,
            leaderId,
            leaderEpoch,
            replicaNodes: [leaderId],
            isrNodes: [leaderId],
            offlineReplicas: [],
          })),
        },
      ],
    }
  }

  #produce(
    body: Infer<typeof produce.request>,
    nodeId: number,
    failing: number,
  ): InferInput<typeof produce.response> {
    const responses = body.topicData.map(({ name, partitionData }) => ({
      name,
      partitionResponses: partitionData.map(({ index, records }) => {
        if (records === null) throw new Error('a batch is missing')
        const appended =
          failing === errorCode.NONE || failing === errorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND
        const result = appended
          ? this.#append(index, records, nodeId)
          : { code: failing, offset: -1 }
        const code = result.code === errorCode.NONE ? failing : result.code
        return { index, errorCode: code, baseOffset: result.offset, errorMessage: null }
      }),
    }))
    return { responses }
  }

  #append(index: number, batch: Buffer, nodeId: number): { code: number; offset: number } {
    const partition = this.#partition(index)
    if (partition.leaderId !== nodeId) return { code: errorCode.NOT_LEADER_OR_FOLLOWER, offset: -1 }
    if (isTransactional(batch)) {
      const code = this.transactions.verify(producerId(batch), producerEpoch(batch), index)
      if (code !== errorCode.NONE) return { code, offset: -1 }
    }
    const before = partition.batches.filter(
      each =>
        !isControl(each) &&
        producerId(each) === producerId(batch) &&
        producerEpoch(each) === producerEpoch(batch),
    )
    const duplicate = before.slice(-5).find(each => baseSequence(each) === baseSequence(batch))
    if (duplicate !== undefined) return { code: errorCode.NONE, offset: baseOffset(duplicate) }
    const last = before.at(-1)
    // Nothing known of the producer: any sequence is accepted, as Kafka does.
    const expected =
      last === undefined
        ? baseSequence(batch)
        : (baseSequence(last) + recordCount(last)) % sequences
    if (baseSequence(batch) !== expected) {
      return { code: errorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, offset: -1 }
    }
    const offset = this.endOffset(index)
    const copy = Buffer.from(batch)
    setBaseOffset(copy, offset)
    partition.batches.push(copy)
    return { code: errorCode.NONE, offset }
  }

  async #fetch(
    body: Infer<typeof fetch.request>,
    nodeId: number,
    failing: number,
  ): Promise<InferInput<typeof fetch.response>> {
    const isEmpty = (): boolean =>
      body.topics.every(({ partitions }) =>
        partitions.every(({ partition, fetchOffset }) => this.endOffset(partition) === fetchOffset),
      )
    for (let waited = 0; waited < body.maxWaitMs && isEmpty(); waited += latencyMs) {
      await this.#pass(latencyMs)
    }
    const responses = body.topics.map(({ partitions }) => ({
      topic: 't',
      topicId,
      partitions: partitions.map(({ partition: partitionIndex, fetchOffset }) => {
        const partition = this.#partition(partitionIndex)
        const end = this.endOffset(partitionIndex)
        let code = failing
        if (partition.leaderId !== nodeId) code = errorCode.NOT_LEADER_OR_FOLLOWER
        else if (fetchOffset < partition.startOffset || fetchOffset > end) {
          code = errorCode.OFFSET_OUT_OF_RANGE
        }
        const found = partition.batches.filter(
          batch => baseOffset(batch) + recordCount(batch) > fetchOffset,
        )
        return {
          partitionIndex,
          errorCode: code,
          highWatermark: end,
          abortedTransactions: null,
          records: code === errorCode.NONE ? Buffer.concat(found) : null,
        }
      }),
    }))
    return { responses }
  }

  #listOffsets(body: Infer<typeof listOffsets.request>): InferInput<typeof listOffsets.response> {
    const topics = body.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, timestamp }) => ({
        partitionIndex,
        errorCode: errorCode.NONE,
        timestamp: -1,
        offset:
          timestamp === -2
            ? this.#partition(partitionIndex).startOffset
            : this.endOffset(partitionIndex),
      })),
    }))
    return { topics }
  }

  endOffset(index: number): number {
    const last = this.#partition(index).batches.at(-1)
    return last === undefined ? 0 : baseOffset(last) + recordCount(last)
  }

  #partition(index: number): Partition {
    const partition = this.partitions[index]
    if (partition === undefined) throw new Error(`there is no partition ${index}`)
    return partition
  }
}

const addressOf = (nodeId: number): Address => ({ host: 'fake', port: nodeId })
