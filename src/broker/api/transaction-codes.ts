import { errorCode } from '../../protocol/error-codes.ts'

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
