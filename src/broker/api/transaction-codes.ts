import { errorCode } from '../../protocol/error-codes.ts'
import type { Broker } from '../broker.ts'
import { answerTo } from '../request-refused.ts'
import type { RequestContext } from './api-handler.ts'

/**
 * The code for who speaks for a transaction (AddPartitionsToTxn, AddOffsetsToTxn, EndTxn), null for no answer at all: a
 * request that was overtaken closes its connection. A client that is still there asks again on a new one, and to one that
 * has left the connection it does not matter.
 */
export async function speakerCode(
  { logger }: Broker,
  asked: Promise<number>,
  { version, cut }: RequestContext,
): Promise<number | null> {
  try {
    const code = await asked
    if (code !== errorCode.NOT_COORDINATOR) return fencedCode(code, version, 2)
    cut('its producer has gone on with a transaction on another one since')
    return null
  } catch (error) {
    return answerTo(error, logger).errorCode
  }
}

/**
 * PRODUCER_FENCED for versions that may carry it, and INVALID_PRODUCER_EPOCH, which older clients know, for those before
 * (KIP-588). Other codes as they are.
 */
export function fencedCode(code: number, version: number, since: number): number {
  return code === errorCode.PRODUCER_FENCED && version < since
    ? errorCode.INVALID_PRODUCER_EPOCH
    : code
}

/**
 * TRANSACTION_ABORTABLE instead of INVALID_TXN_STATE for versions that may carry it: with the one a client aborts and goes
 * on, with the other it gives up (KIP-890). Other codes as they are.
 */
export function abortableCode(code: number, version: number, since: number): number {
  return code === errorCode.INVALID_TXN_STATE && version >= since
    ? errorCode.TRANSACTION_ABORTABLE
    : code
}
