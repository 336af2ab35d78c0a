import { produce } from '../protocol/messages/00-produce.ts'
import { endTxn } from '../protocol/messages/26-end-txn.ts'
import { txnOffsetCommit } from '../protocol/messages/28-txn-offset-commit.ts'

/**
 * The requests of transactions in versions that belong to their first kind, in which a producer names its partitions and
 * keeps its epoch. Apache Kafka takes later ones for the second kind (KIP-890), and changes the epoch with every end.
 */
export const produceInTransaction = { ...produce, maxVersion: 11 }
export const commitOffsetsInTransaction = { ...txnOffsetCommit, maxVersion: 4 }
export const endTransaction = { ...endTxn, maxVersion: 4 }
