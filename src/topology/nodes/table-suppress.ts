import { MillraceError } from '../../errors.ts'
import type { ChangeBuffer } from '../../state/change-buffer.ts'
import type { Serde } from '../../serde/serde.ts'
import type { Windowed } from '../../serde/windowed.ts'
import type { Emission } from '../compile/emission.ts'
import type { TableView } from '../compile/plan-tables.ts'
import type { NodeRule } from '../compile/rule.ts'
import { type Suppression, suppress } from '../operators/suppress.ts'
import type { Logging } from '../topology.ts'
import type { NodeBase } from './node.ts'

/** `KTable.suppress`. */
export interface TableSuppressNode
  extends NodeBase<'tableSuppress'>, Pick<Suppression, 'maxRecords' | 'maxBytes' | 'whenFull'> {
  /** In milliseconds; null waits until windows close. */
  readonly timeLimitMs: number | null
  readonly key?: Serde<unknown> | undefined
  readonly value?: Serde<unknown> | undefined
  /** Whether what is held back goes to a changelog topic. */
  readonly changelog?: Logging | undefined
}

export const tableSuppressRule: NodeRule<TableSuppressNode> = {
  key: 'settled',
  // A given name uses up no number, neither for the node nor for the store.
  names({ name }, counter) {
    if (name !== undefined) return { name, store: `${name}-store` }
    const node = counter.generate('KTABLE-SUPPRESS-')
    return { name: node, store: counter.generate('KTABLE-SUPPRESS-STATE-STORE-') }
  },
  serdes: ({ key, value }, [input]) => ({
    key: key ?? input?.key,
    value: value ?? input?.value,
  }),
  planTables({ id, parents: [parent = -1] }, _, tables) {
    tables.derived(id, parent, undefined)
    tables.requireOldValues(parent)
  },
  view: (_, __, parent, { store = '' }) => suppressedView(store, parent(0)),
  emit(node, emission) {
    const { name, store = '' } = emission.names
    if (emission.readsVersions(0)) {
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        `${name} would hold back changes of a versioned table, of which a late one may be of an earlier version. Take a table ` +
          'without historyRetention.',
      )
    }
    emitBuffer(node, store, emission)
    emission.processor({
      supplier: suppress(suppressionOf(node, emission), store),
      stores: [store],
    })
  },
}

function suppressionOf(node: TableSuppressNode, emission: Emission): Suppression {
  const { timeLimitMs, maxRecords, maxBytes, whenFull } = node
  const limits = { maxRecords, maxBytes, whenFull }
  if (timeLimitMs === null) {
    const timeOf = ({ window }: Windowed<unknown>): number => window.end
    return { waitMs: emission.windowsCloseAfterMs(), timeOf, dropsTombstones: true, ...limits }
  }
  const timeOf = (_: unknown, timestamp: number): number => timestamp
  return { waitMs: timeLimitMs, timeOf, dropsTombstones: false, ...limits }
}

function emitBuffer(
  { changelog = true }: TableSuppressNode,
  store: string,
  emission: Emission,
): void {
  const { key, value } = emission.serdes
  emission.store(
    {
      kind: 'changeBuffer',
      name: store,
      key: emission.require(key, `the keys of the store ${store}`, 'suppress(…, { key: … })'),
      value: emission.require(
        value,
        `the values of the store ${store}`,
        'suppress(…, { value: … })',
      ),
    },
    { logged: changelog },
  )
}

/** Where a change is held back, the row is still the one before it, of an unknown time. */
function suppressedView(store: string, parent: TableView): TableView {
  return {
    stores: [store, ...parent.stores],
    get(context) {
      const buffer = context.store<ChangeBuffer>(store)
      const rowOf = parent.get(context)
      const suppressed: typeof rowOf = (key, asOf) => {
        const value = buffer.priorValue(key)
        if (value === undefined) return rowOf(key, asOf)
        return value === null ? undefined : { value, timestamp: -1 }
      }
      return Object.assign(suppressed, { close: rowOf.close })
    },
  }
}
