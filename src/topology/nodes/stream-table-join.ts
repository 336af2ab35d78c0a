import type { Serde } from '../../serde/serde.ts'
import { MillraceError } from '../../errors.ts'
import type { Emission } from '../compile/emission.ts'
import type { NodeRule } from '../compile/rule.ts'
import { streamTableJoinWithGrace } from '../operators/stream-table-join-with-grace.ts'
import { type TableJoin, streamTableJoin } from '../operators/stream-table-join.ts'
import type { NodeBase, NodeId } from './node.ts'

/** `KStream.join` and `leftJoin` with a table; parents are the stream and the table. */
export interface StreamTableJoinNode extends NodeBase<'streamTableJoin'> {
  readonly table: NodeId
  readonly join: 'inner' | 'left'
  readonly joiner: TableJoin['joiner']
  /** How long, in milliseconds of the stream's time, a record waits for changes of the table that were before it. */
  readonly graceMs?: number | undefined
  /** Serdes of the stream, for its repartition topic if it needs one. */
  readonly key?: Serde<unknown> | undefined
  readonly value?: Serde<unknown> | undefined
}

export const streamTableJoinRule: NodeRule<StreamTableJoinNode> = {
  key: 'settled',
  names(node, counter) {
    const repartitions = counter.repartition(0, node.name)
    const prefix = node.join === 'left' ? 'KSTREAM-LEFTJOIN-' : 'KSTREAM-JOIN-'
    const name = counter.name(node.name, prefix)
    return { name, repartitions, ...(node.graceMs !== undefined && { store: `${name}-Buffer` }) }
  },
  repartition: ({ name, parents: [stream = -1], key, value }) => ({
    serdes: { key, value },
    owner: stream,
    shared: name === undefined,
  }),
  serdes: (node, [stream]) => ({ key: node.key ?? stream?.key }),
  planTables: ({ table }, _, tables) => tables.lookUp(table),
  emit(node, emission) {
    const { table, join, joiner, graceMs } = node
    const view = emission.viewOf(table)
    emission.copartition()
    if (graceMs === undefined) {
      emission.processor({
        supplier: streamTableJoin({ keySelector: key => key, joiner, join }, view),
        stores: view.stores,
        parents: [emission.parentName(0)],
      })
      return
    }
    for (const store of view.stores) requireHistory(store, graceMs, emission)
    const bufferStore = emitBuffer(node, emission)
    emission.processor({
      supplier: streamTableJoinWithGrace({ joiner, join }, view, { bufferStore, graceMs }),
      stores: [bufferStore, ...view.stores],
      parents: [emission.parentName(0)],
    })
  },
}

function emitBuffer({ join, key, value }: StreamTableJoinNode, emission: Emission): string {
  const { name, store = name } = emission.names
  const call = (part: string): string => `${join === 'left' ? 'leftJoin' : 'join'}({ ${part}: … })`
  emission.store(
    {
      kind: 'recordBuffer',
      name: store,
      key: emission.require(
        key ?? emission.input.key,
        `the keys of the store ${store}`,
        call('key'),
      ),
      value: emission.require(
        value ?? emission.input.value,
        `the values of the store ${store}`,
        call('value'),
      ),
    },
    { logged: true },
  )
  return store
}

/** The row of a record's time must still be known when the record leaves the buffer. */
function requireHistory(name: string, graceMs: number, emission: Emission): void {
  const store = emission.storeCalled(name)
  const retentionMs = store?.kind === 'versionedKeyValue' ? store.historyRetentionMs : undefined
  if (retentionMs !== undefined && retentionMs >= graceMs) return
  throw new MillraceError(
    'INVALID_TOPOLOGY',
    `${emission.names.name} has a grace of ${graceMs} ms, but the table that it looks rows up in, ${name}, ` +
      (retentionMs === undefined
        ? 'keeps no earlier rows. Make it a versioned table.'
        : `keeps earlier rows for ${retentionMs} ms. Give it a longer history.`),
  )
}
