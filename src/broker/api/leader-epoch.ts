import { errorCode } from '../../protocol/error-codes.ts'

/** Compares the leader epoch that a client believes in (-1 for none) with the partition's (KIP-320). */
export function leaderEpochProblem(believed: number, current: number): number {
  if (believed === -1 || believed === current) return errorCode.NONE
  return believed < current ? errorCode.FENCED_LEADER_EPOCH : errorCode.UNKNOWN_LEADER_EPOCH
}
