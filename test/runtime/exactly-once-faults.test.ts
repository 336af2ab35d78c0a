import { expect, test } from 'vitest'
import type { LogClient, TransactionalProducer } from '../../src/client/log-client.ts'
import { errorCode } from '../../src/protocol/error-codes.ts'
import { TaskState } from '../../src/state/task-state.ts'
import type { RequestFault } from './faulty-connector.ts'
import { type Plant, runSums } from './run-sums.ts'

/**
 * One request of a commit goes wrong, once or several times in a row, in every way; everything else is real, and runs in
 * virtual time. Whatever it was, the application goes on by itself, and nothing shows of it.
 */
const inCommits = [
  'AddPartitionsToTxn',
  'Produce',
  'AddOffsetsToTxn',
  'TxnOffsetCommit',
  'EndTxn',
] as const
/** When the commit was given up. */
const afterwards = ['InitProducerId', 'OffsetFetch', 'ListOffsets', 'FindCoordinator'] as const

const passing: readonly (readonly [string, RequestFault, number])[] = [
  ['is lost on its way', 'lostBefore', 1],
  ['is lost on its way ten times', 'lostBefore', 10],
  ['is lost for a minute', 'lostBefore', 100],
  ['loses its answer', 'lostAfter', 1],
  ['loses ten answers', 'lostAfter', 10],
  ['is so late that its transaction has timed out', { heldMs: 15_000 }, 1],
]

const refusals: Readonly<Record<(typeof inCommits)[number], readonly number[]>> = {
  AddPartitionsToTxn: [
    errorCode.CONCURRENT_TRANSACTIONS,
    errorCode.NOT_COORDINATOR,
    errorCode.COORDINATOR_LOAD_IN_PROGRESS,
    errorCode.PRODUCER_FENCED,
    errorCode.INVALID_PRODUCER_ID_MAPPING,
    errorCode.INVALID_TXN_STATE,
    errorCode.TRANSACTION_ABORTABLE,
  ],
  Produce: [
    errorCode.NOT_LEADER_OR_FOLLOWER,
    errorCode.NOT_ENOUGH_REPLICAS,
    errorCode.INVALID_PRODUCER_EPOCH,
    errorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    errorCode.UNKNOWN_PRODUCER_ID,
    errorCode.INVALID_TXN_STATE,
    errorCode.TRANSACTION_ABORTABLE,
  ],
  AddOffsetsToTxn: [
    errorCode.CONCURRENT_TRANSACTIONS,
    errorCode.NOT_COORDINATOR,
    errorCode.INVALID_PRODUCER_EPOCH,
    errorCode.PRODUCER_FENCED,
  ],
  TxnOffsetCommit: [
    errorCode.NOT_COORDINATOR,
    errorCode.COORDINATOR_LOAD_IN_PROGRESS,
    errorCode.INVALID_PRODUCER_EPOCH,
    errorCode.ILLEGAL_GENERATION,
    errorCode.UNKNOWN_MEMBER_ID,
    errorCode.REBALANCE_IN_PROGRESS,
  ],
  EndTxn: [
    errorCode.CONCURRENT_TRANSACTIONS,
    errorCode.NOT_COORDINATOR,
    errorCode.COORDINATOR_NOT_AVAILABLE,
    errorCode.PRODUCER_FENCED,
    errorCode.INVALID_PRODUCER_EPOCH,
    errorCode.INVALID_TXN_STATE,
  ],
}

const cases = inCommits.flatMap(api => [
  ...passing.map(([name, fault, times]) => ({ api, name, fault, times })),
  ...refusals[api].flatMap(code =>
    [1, 3].map(times => ({ api, name: `is refused with ${code}, ${times}×`, fault: code, times })),
  ),
])

test.each(cases)('$api $name: each record counts once', async ({ api, fault, times }) => {
  await runSums([{ api, fault, times }])
})

test.each(
  afterwards.flatMap(api => passing.map(([name, fault, times]) => ({ api, name, fault, times }))),
)(
  'the end of a commit is unknown, and then $api $name: each record counts once',
  async ({ api, fault, times }) => {
    const unknown = { api: 'EndTxn', fault: errorCode.PRODUCER_FENCED, times: 1 }
    await runSums([unknown, { api, fault, times }])
  },
)

const withProducer =
  (change: (producer: TransactionalProducer) => TransactionalProducer): Plant =>
  (client: LogClient): LogClient => ({
    ...client,
    transactionalProducer: async options => change(await client.transactionalProducer(options)),
  })

/** A producer is its methods: the others stay as they are. */
const changed = (
  producer: TransactionalProducer,
  methods: Partial<TransactionalProducer>,
): TransactionalProducer => ({
  send: (batches, failed) => producer.send(batches, failed),
  sendOffsets: (offsets, member) => producer.sendOffsets(offsets, member),
  commit: () => producer.commit(),
  abort: () => producer.abort(),
  close: () => producer.close(),
  ...methods,
})

const offsetsOutside = withProducer(producer =>
  changed(producer, {
    async sendOffsets(offsets, member) {
      if (!('commit' in member) || typeof member.commit !== 'function') throw new Error('no member')
      await member.commit(offsets)
    },
  }),
)

const commitBeforeFlush = withProducer(producer => {
  let late: Parameters<TransactionalProducer['send']>[0] = []
  return changed(producer, {
    async send(batches) {
      late = batches
      return batches.map(({ topic, partition }) => ({ topic, partition, offset: 0 }))
    },
    async commit() {
      await producer.commit()
      if (late.length === 0) return
      const batches = late
      late = []
      await producer.send(batches)
      await producer.commit()
    },
  })
})

/** Writes the stores when a commit begins. */
function writeStoresEarly(): Disposable {
  const prepareCommit = Object.getOwnPropertyDescriptor(TaskState.prototype, 'prepareCommit')
  if (prepareCommit === undefined) throw new Error('there is no such method')
  Object.defineProperty(TaskState.prototype, 'prepareCommit', {
    ...prepareCommit,
    value(this: TaskState, write: Parameters<TaskState['prepareCommit']>[0]): void {
      Reflect.apply(prepareCommit.value, this, [write])
      void this.completeCommit([])
    },
  })
  return {
    [Symbol.dispose]: () =>
      Object.defineProperty(TaskState.prototype, 'prepareCommit', prepareCommit),
  }
}

const failedEnd = { api: 'EndTxn', fault: errorCode.PRODUCER_FENCED, times: 1 }
const failedWrite = { api: 'Produce', fault: errorCode.INVALID_PRODUCER_EPOCH, times: 1 }

/** That these faults find what they are for is shown on bugs which, while all goes well, nobody notices. */
test.each([
  ['offsets outside the transaction', offsetsOutside, failedEnd],
  ['a commit before its outputs are written', commitBeforeFlush, failedWrite],
])('%s: found', async (_, plant, fault) => {
  await runSums([], plant)
  await expect(runSums([fault], plant)).rejects.toMatchObject({ name: 'AssertionError' })
})

test('stores that are written before the transaction ends: found', async () => {
  using _ = writeStoresEarly()
  await runSums([])
  await expect(runSums([failedEnd])).rejects.toMatchObject({ name: 'AssertionError' })
})
