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
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler, type RequestContext } from './api-handler.ts'

const GROUP = 0
const TRANSACTION = 1

export const findCoordinatorHandler: ApiHandler = apiHandler(
  findCoordinator,
  { min: 0, max: 5 },
  async (broker, { key, keyType, coordinatorKeys }, context) => {
    const { group, transactionalId } = needed.findCoordinator
    const permission = keyType === TRANSACTION ? transactionalId : group
    const keys = context.version >= 4 ? coordinatorKeys : [key]
    const mayFind = (wanted: string): boolean =>
      broker.authorizer.authorize(context, permission, wanted)
    // For those who may not, nothing is made either.
    const answer = keys.some(mayFind) ? await find(broker, keyType, context) : nowhere
    const coordinators = keys.map(wanted => {
      const own = mayFind(wanted) ? answer : { ...nowhere, errorCode: permission.refusal }
      return { key: wanted, ...own }
    })
    return context.version >= 4 ? { coordinators } : { ...nowhere, ...coordinators[0] }
  },
)

interface Coordinator {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

const nowhere: Coordinator = {
  errorCode: errorCode.NONE,
  errorMessage: null,
  nodeId: -1,
  host: '',
  port: -1,
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
    return { ...nowhere, ...answerTo(error, broker.logger) }
  }
}
