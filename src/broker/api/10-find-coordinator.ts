/**
 * FindCoordinator: which broker coordinates a group or a transactional id.
 *
 * Versions: 0-5; several keys at once from 4.
 *
 * Behaviour: this broker coordinates all of them. The topic that their state is kept in is made here if it is not there yet.
 * Share groups (`keyType` 2) are answered INVALID_REQUEST: there are none.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { findCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import type { Broker } from '../broker.ts'
import { answerTo, RequestRefused } from '../request-refused.ts'
import { apiHandler, type ApiHandler, type RequestContext } from './api-handler.ts'

const GROUP = 0
const TRANSACTION = 1

export const findCoordinatorHandler: ApiHandler = apiHandler(
  findCoordinator,
  { min: 0, max: 5 },
  async (broker, { key, keyType, coordinatorKeys }, context) => {
    const answer = await find(broker, keyType, context)
    return context.version >= 4
      ? { coordinators: coordinatorKeys.map(wanted => ({ key: wanted, ...answer })) }
      : { key, ...answer }
  },
)

interface Coordinator {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

async function find(
  broker: Broker,
  keyType: number,
  { advertised }: RequestContext,
): Promise<Coordinator> {
  try {
    if (keyType === GROUP) {
      await broker.groups.ready()
    } else if (keyType === TRANSACTION) {
      await broker.transactions.ready()
    } else {
      throw new RequestRefused(
        errorCode.INVALID_REQUEST,
        `This broker coordinates groups and transactions: there are no keys of type ${keyType}.`,
      )
    }
    const { host, port } = advertised
    return { errorCode: errorCode.NONE, errorMessage: null, nodeId: broker.nodeId, host, port }
  } catch (error) {
    return { ...answerTo(error, broker.logger), nodeId: -1, host: '', port: -1 }
  }
}
