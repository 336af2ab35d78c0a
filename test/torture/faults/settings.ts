/** What a tortured process is told: a JSON file that it reads when it starts and at SIGUSR2. */
export interface Faults {
  /** Session timeout of its group membership, shorter than a user can set. */
  readonly sessionTimeoutMs: number
  /** Requests that end a transaction wait up to so long, so that random kills meet open transactions. */
  readonly lingerMs: number
  /** Where it kills itself, and how often it passes there before. */
  readonly killAt?: { readonly point: KillPoint; readonly passing: number }
  /** A bug that it has, for the oracle to find. */
  readonly planted?: PlantedBug
}

/** Mistakes that an implementation of exactly once can make: `planted.ts`. */
export type PlantedBug =
  'commits before it flushes' | 'commits offsets outside of the transaction' | 'writes stores early'

/** Before a request is sent, when it is on its way, and when it is answered; before and after stores are written. */
export type KillPoint = (typeof killPoints)[number]

const requests = [
  'InitProducerId',
  'AddPartitionsToTxn',
  'Produce',
  'AddOffsetsToTxn',
  'TxnOffsetCommit',
  'EndTxn',
] as const

export const killPoints = [
  ...requests.flatMap(
    request => [`before ${request}`, `during ${request}`, `after ${request}`] as const,
  ),
  'before the store is written',
  'after the store is written',
] as const

/** Where a transaction of the worker is open for certain. */
export const pointsInTransaction = [
  'after AddPartitionsToTxn',
  'before Produce',
  'after Produce',
  'after AddOffsetsToTxn',
  'after TxnOffsetCommit',
  'before EndTxn',
] as const satisfies readonly KillPoint[]

/** The variable of the environment with the path of the file. */
export const faultsVariable = 'MILLRACE_TORTURE'
