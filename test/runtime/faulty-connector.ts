import type { Connector } from '../../src/client/connection.ts'
import { MillraceError } from '../../src/errors.ts'
import type { Timers } from '../../src/platform/platform.ts'
import { pause } from '../../src/runtime/pause.ts'

/**
 * What goes wrong with a request: its connection breaks before the broker gets it, or before the client gets the answer; it
 * is held up on its way for so many milliseconds; or this error code is answered and nothing done.
 */
export type RequestFault = 'lostBefore' | 'lostAfter' | { readonly heldMs: number } | number

/** A connector with faults: `faultOf` is asked about every request by the name of its API. */
export function faultyConnector(
  connector: Connector,
  timers: Timers,
  faultOf: (api: string) => RequestFault | undefined,
): Connector {
  return async address => {
    const connection = await connector(address)
    let broken = false
    const lost = new MillraceError('CONNECTION_LOST', 'The test cut this connection.')
    const cut = async (): Promise<never> => {
      broken = true
      await connection.close()
      throw lost
    }
    return {
      async request(api, body, options) {
        if (broken) throw lost
        const fault = faultOf(api.name)
        if (fault === 'lostBefore') return cut()
        if (typeof fault === 'object') await pause(timers, fault.heldMs)
        if (typeof fault === 'number') {
          // Only the shape of the answer is the test's to know: it is made of the request.
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion
          return refusal(body as Request, fault) as never
        }
        const response = await connection.request(api, body, options)
        if (fault === 'lostAfter') return cut()
        return response
      },
      close: () => connection.close(),
    }
  }
}

/** What requests of transactions have in common. */
interface Request {
  readonly topics?: readonly { name: string; partitions: readonly unknown[] }[]
  readonly topicData?: readonly { name: string; partitionData: readonly { index: number }[] }[]
}

/** An answer with this code for everything that was asked for, whichever API it was. */
function refusal({ topics = [], topicData = [] }: Request, errorCode: number): unknown {
  const indexOf = (partition: unknown): number =>
    typeof partition === 'object' && partition !== null && 'partitionIndex' in partition
      ? Number(partition.partitionIndex)
      : Number(partition)
  return {
    throttleTimeMs: 0,
    errorCode,
    producerId: -1n,
    producerEpoch: -1,
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(each => ({ partitionIndex: indexOf(each), errorCode })),
    })),
    results: topics.map(({ name, partitions }) => ({
      name,
      resultsByPartition: partitions.map(each => ({
        partitionIndex: indexOf(each),
        partitionErrorCode: errorCode,
      })),
    })),
    responses: topicData.map(({ name, partitionData }) => ({
      name,
      partitionResponses: partitionData.map(({ index }) => ({
        index,
        errorCode,
        baseOffset: -1,
        errorMessage: null,
      })),
    })),
  }
}
