import assert from 'node:assert/strict'

import type { Serde } from '../../serde/serde.ts'
import type { Emission } from '../compile/emission.ts'
import type { ForeignKeyJoinNames, NodeRule } from '../compile/rule.ts'
import {
  combinedKeySerde,
  type SubscriptionResponse,
  subscriptionResponseSerde,
  subscriptionSerde,
} from '../foreign-key-join/subscription.ts'
import {
  answerSubscribers,
  answerSubscription,
  type ForeignKeyJoin,
  receiveSubscription,
  resolveResponse,
  subscribe,
} from '../operators/foreign-key-join.ts'
import { tableSource } from '../operators/table-source.ts'
import { failOnInvalidTimestamp } from '../timestamp-extractors.ts'
import { partitionerFor } from '../partitioner.ts'
import type { Partitioner } from '../topology.ts'
import { type Materialized, emitStore, historyRetentionMs, keyValueView } from './materialized.ts'
import type { NodeBase } from './node.ts'

/** `KTable.join` and `leftJoin` by a foreign key; parents are the left and the right table. */
export interface ForeignKeyJoinNode
  extends NodeBase<'foreignKeyJoin'>, Materialized, ForeignKeyJoin {
  /** Partition of a left key, if not by its bytes; it is called without a value. */
  readonly partitioner?: Partitioner | undefined
  /** Partition of a right key, if not by its bytes; it is called without a value. */
  readonly otherPartitioner?: Partitioner | undefined
}

export const foreignKeyJoinRule: NodeRule<ForeignKeyJoinNode> = {
  key: 'settled',
  // The names in the order of `KTableImpl#doJoinOnForeignKey`.
  names(node, counter) {
    const { name } = node
    const own = (suffix: string, prefix: string): string =>
      counter.name(name && `${name}-${suffix}`, prefix)
    // Topics and the store outlive a deploy, so it matters whether their names are the user's.
    const lasting = (suffix: string, prefix: string): string => {
      if (name === undefined) return counter.generate(prefix)
      counter.skip()
      return `${name}-${suffix}`
    }
    const foreignKeyJoin = {
      registrationTopic: `${lasting('subscription-registration', registrationPrefix)}-topic`,
      subscribe: own('subscription-registration-processor', registrationPrefix),
      registrationSink: own('subscription-registration-sink', 'KTABLE-SINK-'),
      registrationSource: own('subscription-registration-source', 'KTABLE-SOURCE-'),
      subscriptions: lasting('subscription-store', 'KTABLE-FK-JOIN-SUBSCRIPTION-STATE-STORE-'),
      receive: own('subscription-receive', processorPrefix),
      answer: own('subscription-join-foreign', processorPrefix),
      answerAll: own('foreign-join-subscription', processorPrefix),
      responseTopic: `${lasting('subscription-response', responsePrefix)}-topic`,
      responseSink: own('subscription-response-sink', 'KTABLE-SINK-'),
      responseSource: own('subscription-response-source', 'KTABLE-SOURCE-'),
      resolve: own('subscription-response-resolver', `${responsePrefix}RESOLVER-PROCESSOR-`),
    }
    const result = own('result', 'KTABLE-FK-JOIN-OUTPUT-')
    const store = node.store ?? counter.generate('KTABLE-FK-JOIN-OUTPUT-STATE-STORE-')
    return { name: result, store, foreignKeyJoin }
  },
  serdes: ({ key, value }, [left]) => ({ key: key ?? left?.key, value }),
  planTables(node, { store }, tables) {
    const {
      id,
      parents: [left = -1, right = -1],
    } = node
    tables.source(id, node.store, store, historyRetentionMs(node))
    tables.requireOldValues(right)
    tables.requireOldValues(left)
    tables.lookUp(right)
    tables.lookUp(left)
  },
  view: (_, store = '') => keyValueView(store),
  emit(node, emission) {
    const { name, foreignKeyJoin: names } = emission.names
    assert(names !== undefined)
    const [left = -1, right = -1] = node.parents
    const serdes = serdesOf(node, emission)
    const registration = emission.repartitionTopic(names.registrationTopic, undefined)
    const response = emission.repartitionTopic(names.responseTopic, undefined)
    const parts = { names, serdes, registration, response }
    emitRegistration(node, emission, parts)
    emitSubscriptions(node, emission, parts)
    emission.source({
      name: names.responseSource,
      topics: [response],
      key: serdes.leftKey,
      value: subscriptionResponseSerde(serdes.rightValue),
      timestamp: failOnInvalidTimestamp,
    })
    const leftView = emission.viewOf(left)
    emission.processor({
      name: names.resolve,
      parents: [names.responseSource],
      supplier: resolveResponse(node, leftView, serdes.leftValue),
      stores: leftView.stores,
    })
    const stores = emitStore(node, emission, node.join === 'inner' ? 'join' : 'leftJoin')
    emission.processor({
      name,
      parents: [names.resolve],
      supplier: tableSource(emission.table),
      stores,
    })
    emission.copartition([left], [response])
    emission.copartition([right], [registration])
  },
}

interface JoinSerdes {
  readonly leftKey: Serde<unknown>
  readonly leftValue: Serde<unknown>
  readonly rightKey: Serde<unknown>
  readonly rightValue: Serde<unknown>
}

/** What the two halves of the join have in common. */
interface Parts {
  readonly names: ForeignKeyJoinNames
  readonly serdes: JoinSerdes
  /** The topics, with the application id. */
  readonly registration: string
  readonly response: string
}

function serdesOf({ join }: ForeignKeyJoinNode, emission: Emission): JoinSerdes {
  const need = (serde: Serde<unknown> | undefined, part: 'key' | 'value', side: string) => {
    const what = `the ${part}s of the ${side} table`
    return emission.require(serde, what, `that table's { ${part}: … }, before ${join}`)
  }
  const [left, right] = [emission.inputOf(0), emission.inputOf(1)]
  return {
    leftKey: need(left.key, 'key', 'left'),
    leftValue: need(left.value, 'value', 'left'),
    rightKey: need(right.key, 'key', 'right'),
    rightValue: need(right.value, 'value', 'right'),
  }
}

/** From the left table to the partition of the right row, and into it. */
function emitRegistration(
  node: ForeignKeyJoinNode,
  emission: Emission,
  { names, serdes, registration: topic }: Parts,
): void {
  const { leftKey, leftValue, rightKey } = serdes
  const { otherPartitioner } = node
  emission.processor({
    name: names.subscribe,
    parents: [emission.parentName(0)],
    supplier: subscribe(node, {
      foreignKey: rightKey,
      leftValue,
      ofVersions: emission.readsVersions(0),
    }),
  })
  const value = subscriptionSerde(leftKey)
  emission.sink({
    name: names.registrationSink,
    parents: [names.subscribe],
    topic,
    key: rightKey,
    value,
    ...partitionerFor(rightKey, otherPartitioner && withoutValue(otherPartitioner)),
  })
  emission.source({
    name: names.registrationSource,
    topics: [topic],
    key: rightKey,
    value,
    timestamp: failOnInvalidTimestamp,
  })
}

/** What happens beside the right table: subscriptions are kept, and answered to where they came from. */
function emitSubscriptions(
  node: ForeignKeyJoinNode,
  emission: Emission,
  { names, serdes, response }: Parts,
): void {
  const { leftKey, rightKey, rightValue } = serdes
  const { partitioner } = node
  const store = names.subscriptions
  const rightView = emission.viewOf(node.parents[1] ?? -1)
  emission.store(
    {
      kind: 'timestampedKeyValue',
      name: store,
      key: combinedKeySerde(rightKey, leftKey),
      value: subscriptionSerde(leftKey),
      ordered: true,
      bookkeeping: true,
    },
    { logged: true },
  )
  emission.processor({
    name: names.receive,
    parents: [names.registrationSource],
    supplier: receiveSubscription(store),
    stores: [store],
  })
  emission.processor({
    name: names.answer,
    parents: [names.receive],
    supplier: answerSubscription(rightView),
    stores: rightView.stores,
  })
  emission.processor({
    name: names.answerAll,
    parents: [emission.parentName(1)],
    supplier: answerSubscribers(store, {
      foreignKey: rightKey,
      ofVersions: emission.readsVersions(1),
    }),
    stores: [store],
  })
  emission.sink({
    name: names.responseSink,
    parents: [names.answer, names.answerAll],
    topic: response,
    key: leftKey,
    value: subscriptionResponseSerde(rightValue),
    partitioner: partitioner === undefined ? toAsker : withoutValue(partitioner),
  })
}

/** The partition of the left row, which the subscription has brought along. */
const toAsker: Partitioner = (_: unknown, response: SubscriptionResponse) =>
  response.primaryPartition

/** Left and right are in one partition by their keys alone. `TableJoined`. */
const withoutValue =
  (partitioner: Partitioner): Partitioner =>
  (key, _, partitions) =>
    partitioner(key, null, partitions)

const registrationPrefix = 'KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-'
const responsePrefix = 'KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-'
const processorPrefix = 'KTABLE-FK-JOIN-SUBSCRIPTION-PROCESSOR-'
