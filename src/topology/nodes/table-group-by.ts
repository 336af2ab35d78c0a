import type { Serde } from '../../serde/serde.ts'
import type { NodeRule } from '../compile/rule.ts'
import { tableGroupBy } from '../operators/table-group-by.ts'
import type { UserFunction } from '../user-function.ts'
import type { NodeBase } from './node.ts'

/** `KTable.groupBy`. What leaves it are halves of changes, on their way to the partitions of their groups. */
export interface TableGroupByNode extends NodeBase<'tableGroupBy'> {
  readonly selector: UserFunction<
    [key: unknown, value: unknown],
    readonly [key: unknown, value: unknown]
  >
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
}

export const tableGroupByRule: NodeRule<TableGroupByNode> = {
  key: 'changed',
  names: (node, counter) => ({ name: counter.name(node.name, 'KTABLE-SELECT-') }),
  serdes: ({ key, value }) => ({ key, value }),
  planTables: ({ parents: [table = -1] }, _, tables) => tables.requireOldValues(table),
  emit: ({ selector, key }, emission) =>
    emission.processor({
      supplier: tableGroupBy(selector, key, { ofVersions: emission.readsVersions(0) }),
    }),
}
