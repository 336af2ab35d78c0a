import type { Logger } from '../../logger.ts'
import { errorCode, errorName } from '../../protocol/error-codes.ts'
import type { Topics } from '../topics.ts'
import type { TransactionCoordinator } from './transaction-coordinator.ts'
import type { MarkerWriter } from './transaction-markers.ts'

/**
 * Aborts, at the start of the broker, transactions that are open in a partition and that its coordinator does not know: nobody
 * would ever end them, and readers of committed records would wait behind them for ever. There are none as long as what was
 * written stays written; with `flush: 'os'` a power loss can take what the coordinator knew and leave the records, and a
 * topic of the coordinator can be lost as a whole. Resolves when the markers are durable or the disk does not take them.
 */
export async function abortHangingTransactions(options: {
  readonly topics: Topics
  readonly transactions: TransactionCoordinator
  readonly markers: MarkerWriter
  readonly coordinatorEpoch: number
  readonly logger: Logger
}): Promise<void> {
  const { topics, transactions, markers, coordinatorEpoch, logger } = options
  const found = topics.all().flatMap(({ name, partitions }) =>
    partitions.flatMap((log, partition) =>
      [...log.producers]
        .filter(({ transactionStart }) => transactionStart >= 0)
        .filter(({ producerId }) => !transactions.holds(producerId, name, partition))
        .map(({ producerId, epoch }) => ({ name, partition, producerId, producerEpoch: epoch })),
    ),
  )
  await Promise.all(
    found.map(async ({ name, partition, producerId, producerEpoch }) => {
      const marker = { producerId, producerEpoch, type: 'abort', coordinatorEpoch } as const
      const code = await markers.write(name, partition, marker)
      const place = { partition: `${name}-${partition}`, producerId, code: errorName(code) }
      if (code === errorCode.NONE) {
        logger.warn(place, 'A transaction that no coordinator knows was open: it is aborted.')
      } else {
        logger.error(
          place,
          'A transaction that no coordinator knows is open and could not be aborted.',
        )
      }
    }),
  )
}
