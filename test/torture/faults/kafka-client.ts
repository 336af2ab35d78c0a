import type { LogClient } from '../../../src/client/log-client.ts'
import { createLogClient as clientOf } from '../../../src/client/kafka-client.ts'
import { faults } from './faults.ts'
import { faultyConnector } from './faulty-connector.ts'
import { flushingLate, offsetsOutside } from './planted.ts'

export * from '../../../src/client/kafka-client.ts'

/** A client that is missed sooner when it falls silent, and that leaves consumed records to the oracle. */
export function createLogClient(
  options: Parameters<typeof clientOf>[0],
): LogClient & AsyncDisposable {
  const client = clientOf({ ...options, connector: faultyConnector(options.connector) })
  const faulty: LogClient & AsyncDisposable = {
    ...client,
    deleteRecords: async () => {},
    joinGroup(group) {
      // Not a copy: some of what it holds is computed when it is asked for.
      const sessionTimeoutMs = { value: faults.sessionTimeoutMs }
      return client.joinGroup(Object.create(group, { sessionTimeoutMs }) as typeof group)
    },
  }
  switch (faults.planted) {
    case 'commits before it flushes':
      return flushingLate(faulty)
    case 'commits offsets outside of the transaction':
      return offsetsOutside(faulty)
    default:
      return faulty
  }
}
