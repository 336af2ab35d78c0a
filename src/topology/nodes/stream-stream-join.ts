import type { Serde } from '../../serde/serde.ts'
import type { WindowDefinition } from '../../state/store-definition.ts'
import type { Emission } from '../compile/emission.ts'
import type { NodeRule, Serdes } from '../compile/rule.ts'
import { joinWindow } from '../operators/join-window.ts'
import { passThrough } from '../operators/pass-through.ts'
import { selfJoin } from '../operators/self-join.ts'
import { type StreamStreamJoin, streamStreamJoin } from '../operators/stream-stream-join.ts'
import type { Logging } from '../topology.ts'
import type { NodeBase } from './node.ts'

/**
 * `KStream.join`, `leftJoin` and `outerJoin` with another stream: for each side a processor that keeps its records and one that
 * joins them, and one that merges the results.
 */
export interface StreamStreamJoinNode extends NodeBase<'streamStreamJoin'>, StreamStreamJoin {
  /** The names of the stores begin with it. */
  readonly store?: string | undefined
  /** Names of the stores of the left and of the right side. */
  readonly thisStore?: string | undefined
  readonly otherStore?: string | undefined
  readonly key?: Serde<unknown> | undefined
  readonly value?: Serde<unknown> | undefined
  readonly otherValue?: Serde<unknown> | undefined
  readonly changelog?: Logging | undefined
  readonly inMemory?: boolean | undefined
  /** Set where both sides are one stream, which is stored once. */
  readonly isSelfJoin?: boolean | undefined
}

export const streamStreamJoinRule: NodeRule<StreamStreamJoinNode> = {
  key: 'settled',
  names(node, counter) {
    const { name, join } = node
    const part = (suffix: string): string | undefined => name && `${name}${suffix}`
    const repartitions = [
      ...counter.repartition(0, part('-left')),
      ...counter.repartition(1, part('-right')),
    ]
    const leftWindowed = counter.name(part('-this-windowed'), 'KSTREAM-WINDOWED-')
    const rightWindowed = counter.name(part('-other-windowed'), 'KSTREAM-WINDOWED-')
    const isRightOuter = join === 'outer'
    const isLeftOuter = join !== 'inner'
    const left = counter.generate(isRightOuter ? 'KSTREAM-OUTERTHIS-' : 'KSTREAM-JOINTHIS-')
    const right = counter.generate(isLeftOuter ? 'KSTREAM-OUTEROTHER-' : 'KSTREAM-JOINOTHER-')
    const leftSuffix = isRightOuter ? '-outer-this-join' : '-this-join'
    const rightSuffix = isLeftOuter ? '-outer-other-join' : '-other-join'
    return {
      name: counter.name(part('-merge'), 'KSTREAM-MERGE-'),
      leftWindowed,
      rightWindowed,
      left: part(leftSuffix) ?? left,
      right: part(rightSuffix) ?? right,
      leftStore: node.thisStore ?? storeName(node, leftSuffix, left),
      rightStore: node.otherStore ?? storeName(node, rightSuffix, right),
      ...(isLeftOuter && !node.windows.eager && { store: unmatchedStoreName(node, left) }),
      repartitions,
    }
  },
  repartition: ({ name, parents, key, value, otherValue }, parent) => ({
    serdes: { key, value: parent === 0 ? value : otherValue },
    owner: parents[parent] ?? -1,
    shared: name === undefined,
  }),
  serdes: ({ key }, [left, right]) => ({ key: key ?? left?.key ?? right?.key }),
  emit(node, emission) {
    const { name, leftWindowed = name, rightWindowed = name } = emission.names
    const { leftStore = name, rightStore = name } = emission.names
    emission.copartition()
    emitSide(leftWindowed, 0, leftStore)
    emission.store(windowStore(node, 'left', leftStore, emission), logging(node))
    if (node.isSelfJoin) {
      const supplier = selfJoin(node, leftStore)
      emission.processor({ supplier, stores: [leftStore], parents: [leftWindowed] })
      return
    }
    emitSide(rightWindowed, 1, rightStore)
    emission.store(windowStore(node, 'right', rightStore, emission), logging(node))
    emitJoins(node, emission)

    function emitSide(windowed: string, parent: number, store: string): void {
      const parents = [emission.parentName(parent)]
      emission.processor({ name: windowed, supplier: joinWindow(store), stores: [store], parents })
    }
  },
}

/** The two processors that join, what they share, and the one that merges. */
function emitJoins(node: StreamStreamJoinNode, emission: Emission): void {
  const { name, left = name, right = name, store: unmatchedStore } = emission.names
  const { leftWindowed = name, rightWindowed = name } = emission.names
  const { leftStore = name, rightStore = name } = emission.names
  const shared = unmatchedStore === undefined ? [] : [unmatchedStore]
  emission.processor({
    name: left,
    supplier: streamStreamJoin(node, { side: 'left', otherStore: rightStore, unmatchedStore }),
    stores: [rightStore, ...shared],
    parents: [leftWindowed],
  })
  emission.processor({
    name: right,
    supplier: streamStreamJoin(node, { side: 'right', otherStore: leftStore, unmatchedStore }),
    stores: [leftStore, ...shared],
    parents: [rightWindowed],
  })
  if (unmatchedStore !== undefined) {
    emission.store(
      {
        kind: 'unmatchedRecords',
        name: unmatchedStore,
        key: requireKey(node, emission),
        value: requireValue(node, 'left', emission),
        otherValue: requireValue(node, 'right', emission),
        inMemory: node.inMemory,
      },
      logging(node),
    )
  }
  emission.processor({ supplier: passThrough, parents: [left, right] })
}

function storeName({ store }: StreamStreamJoinNode, suffix: string, generated: string): string {
  return `${store === undefined ? generated : `${store}${suffix}`}-store`
}

/** `OuterStreamJoinStoreFactory`: called after the store of the left side, or by its number. */
function unmatchedStoreName(node: StreamStreamJoinNode, generated: string): string {
  const given = node.thisStore ?? node.store
  if (given === undefined) return `KSTREAM-OUTERSHARED-${generated.slice(-10)}-store`
  return `${given}${node.join === 'outer' ? '-outer' : '-left'}-shared-join-store`
}

function logging({ changelog = true }: StreamStreamJoinNode): { logged: Logging } {
  return { logged: changelog }
}

function windowStore(
  node: StreamStreamJoinNode,
  side: 'left' | 'right',
  name: string,
  emission: Emission,
): Omit<WindowDefinition, 'changelogTopic'> {
  const { beforeMs, afterMs, graceMs } = node.windows
  return {
    kind: 'timestampedWindow',
    name,
    key: requireKey(node, emission),
    value: requireValue(node, side, emission),
    retentionMs: beforeMs + afterMs + graceMs,
    windowSizeMs: beforeMs + afterMs,
    retainDuplicates: true,
    inMemory: node.inMemory,
  }
}

function requireKey({ join }: StreamStreamJoinNode, emission: Emission): Serde<unknown> {
  const { names, serdes } = emission
  return emission.require(serdes.key, `the keys of the stores of ${names.name}`, call(join, 'key'))
}

function requireValue(
  { join, value, otherValue }: StreamStreamJoinNode,
  side: 'left' | 'right',
  emission: Emission,
): Serde<unknown> {
  const isLeft = side === 'left'
  const inferred: Serdes = emission.inputOf(isLeft ? 0 : 1)
  return emission.require(
    (isLeft ? value : otherValue) ?? inferred.value,
    `the ${side} values of the stores of ${emission.names.name}`,
    call(join, isLeft ? 'value' : 'otherValue'),
  )
}

const call = (join: StreamStreamJoin['join'], option: string): string =>
  `${join === 'inner' ? 'join' : `${join}Join`}({ ${option}: … })`
