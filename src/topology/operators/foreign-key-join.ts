import type { Serde } from '../../serde/serde.ts'
import type { TimestampedKeyValueStore } from '../../state/stores.ts'
import type { TableView } from '../compile/plan-tables.ts'
import { murmur3 } from '../foreign-key-join/murmur3.ts'
import {
  type CombinedKey,
  foreignKeyPrefix,
  type Instruction,
  type Subscription,
  type SubscriptionResponse,
} from '../foreign-key-join/subscription.ts'
import type { ProcessorSupplier } from '../processor.ts'
import type { Change, StreamRecord } from '../record.ts'
import type { UserFunction } from '../user-function.ts'

/**
 * A join of two tables where the rows of the left one say at which row of the right one they point. The left side subscribes
 * to the right one, which may be in another task: each change of a left row goes to the right row's partition, where it is
 * remembered and answered; each change of a right row is an answer to all left rows that point at it. An answer gives a
 * result if the left row is still the one that asked. KIP-213.
 */
export interface ForeignKeyJoin {
  readonly join: 'inner' | 'left'
  readonly extractor: UserFunction<[value: unknown, key: unknown], unknown>
  readonly joiner: UserFunction<[left: unknown, right: unknown, key: unknown], unknown>
}

type ChangeRecord = StreamRecord<unknown, Change<unknown>>

/**
 * Turns the change of a left row into subscriptions, by the key of the right row. `SubscriptionSendProcessorSupplier`; of a
 * change to the same right key an inner join hears only if there is a right row, since without one there was no result before.
 */
export function subscribe(
  { join, extractor }: ForeignKeyJoin,
  {
    foreignKey,
    leftValue,
    ofVersions,
  }: { foreignKey: Serde<unknown>; leftValue: Serde<unknown>; ofVersions: boolean },
): ProcessorSupplier {
  const isSame = (one: unknown, two: unknown): boolean =>
    one !== null && foreignKey.serialize(one).equals(foreignKey.serialize(two))
  return context => {
    const taskPartition = Number(context.taskId.slice(context.taskId.indexOf('_') + 1))
    return {
      process(record: ChangeRecord) {
        const { key, value: change, timestamp, headers } = record
        const { newValue, oldValue } = change
        if (ofVersions && change.isLatest === false) {
          context.drop('the row has a later version')
          return
        }
        if (newValue === null && oldValue === null) return
        const hash = newValue === null ? null : murmur3(leftValue.serialize(newValue))
        const primaryPartition = context.recordMetadata?.partition ?? taskPartition
        const send = (to: unknown, instruction: Instruction): void => {
          const subscription: Subscription = {
            hash,
            instruction,
            primaryKey: key,
            primaryPartition,
          }
          context.forward({ key: to, value: subscription, timestamp, headers })
        }
        const before = oldValue === null ? null : (extractor(oldValue, key) ?? null)
        const now = newValue === null ? null : (extractor(newValue, key) ?? null)
        const stays = before !== null && isSame(now, before)
        if (join === 'left') {
          if (before !== null && !stays) send(before, 'deleteKeyNoPropagate')
          // A left row always has a result, so an answer is needed even if it points nowhere.
          send(now, 'propagateNullIfNoForeignValueAvailable')
        } else if (now === null) {
          if (newValue !== null) context.drop('the foreign key is null')
          if (before !== null) send(before, 'deleteKeyAndPropagate')
        } else if (before === null || stays) {
          send(now, 'propagateOnlyIfForeignValueAvailable')
        } else {
          send(before, 'deleteKeyNoPropagate')
          send(now, 'propagateNullIfNoForeignValueAvailable')
        }
      },
    }
  }
}

/** Remembers a subscription, or forgets it, and passes it on. `SubscriptionReceiveProcessorSupplier`. */
export function receiveSubscription(storeName: string): ProcessorSupplier {
  return context => {
    const store = context.store<SubscriptionStore>(storeName)
    return {
      process(record: StreamRecord<unknown, Subscription>) {
        const { key: foreignKey, value: subscription, timestamp } = record
        const { instruction, primaryKey } = subscription
        if (foreignKey === null) {
          if (instruction === 'propagateNullIfNoForeignValueAvailable') context.forward(record)
          else context.drop('the foreign key is null')
          return
        }
        const isDelete =
          instruction === 'deleteKeyNoPropagate' || instruction === 'deleteKeyAndPropagate'
        store.put({ foreignKey, primaryKey }, isDelete ? null : subscription, timestamp)
        context.forward(record)
      },
    }
  }
}

/** Answers a subscription with the right row as it is. `SubscriptionJoinProcessorSupplier`. */
export function answerSubscription(right: TableView): ProcessorSupplier {
  return context => {
    const rowOf = right.get(context)
    return {
      process({ key, value, timestamp, headers }: StreamRecord<unknown, Subscription>) {
        const { hash, instruction, primaryKey, primaryPartition } = value
        if (instruction === 'deleteKeyNoPropagate') return
        const row = key === null ? undefined : rowOf(key)
        if (instruction === 'propagateOnlyIfForeignValueAvailable' && row === undefined) return
        const isDelete = instruction === 'deleteKeyAndPropagate'
        const foreignValue = isDelete || row === undefined ? null : row.value
        const response: SubscriptionResponse = { hash, foreignValue, primaryPartition }
        const time = row === undefined ? timestamp : Math.max(timestamp, row.timestamp)
        context.forward({ key: primaryKey, value: response, timestamp: time, headers })
      },
      close: () => rowOf.close?.(),
    }
  }
}

/** Answers all subscribers of a right row that has changed, by their keys. `ForeignTableJoinProcessorSupplier`. */
export function answerSubscribers(
  storeName: string,
  { foreignKey, ofVersions }: { foreignKey: Serde<unknown>; ofVersions: boolean },
): ProcessorSupplier {
  return context => {
    const store = context.store<SubscriptionStore>(storeName)
    return {
      process({ key, value: change, timestamp, headers }: ChangeRecord) {
        if (ofVersions && change.isLatest === false) {
          context.drop('the row has a later version')
          return
        }
        const { newValue: foreignValue } = change
        for (const row of store.rows({ prefix: foreignKeyPrefix(foreignKey, key) })) {
          const { hash, primaryKey, primaryPartition } = row.value
          const response: SubscriptionResponse = { hash, foreignValue, primaryPartition }
          context.forward({ key: primaryKey, value: response, timestamp, headers })
        }
      },
    }
  }
}

/** Joins an answer with the left row, if that is the one that asked. `ResponseJoinProcessorSupplier`. */
export function resolveResponse(
  { join, joiner }: ForeignKeyJoin,
  left: TableView,
  leftValue: Serde<unknown>,
): ProcessorSupplier {
  return context => {
    const rowOf = left.get(context)
    return {
      process({ key, value, timestamp, headers }: StreamRecord<unknown, SubscriptionResponse>) {
        const row = rowOf(key)
        const hash = row === undefined ? null : murmur3(leftValue.serialize(row.value))
        if (hash === null ? value.hash !== null : value.hash?.equals(hash) !== true) {
          context.drop('the left row has changed since it asked')
          return
        }
        const { foreignValue } = value
        const isGone = row === undefined || (foreignValue === null && join === 'inner')
        const result = isGone ? null : (joiner(row.value, foreignValue, key) ?? null)
        context.forward({ key, value: result, timestamp, headers })
      },
      close: () => rowOf.close?.(),
    }
  }
}

type SubscriptionStore = TimestampedKeyValueStore<CombinedKey, Subscription>
