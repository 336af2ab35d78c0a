import type { NodeRule } from '../compile/rule.ts'
import { type AggregateNode, aggregateRule } from './aggregate.ts'
import { type BranchNode, branchRule } from './branch.ts'
import { type CogroupNode, cogroupRule } from './cogroup.ts'
import { type DeduplicateNode, deduplicateRule } from './deduplicate.ts'
import { type FilterNode, filterRule } from './filter.ts'
import { type FlatMapNode, flatMapRule } from './flat-map.ts'
import { type FlatMapValuesNode, flatMapValuesRule } from './flat-map-values.ts'
import { type ForeachNode, foreachRule } from './foreach.ts'
import { type ForeachAsyncNode, foreachAsyncRule } from './foreach-async.ts'
import { type GlobalStoreNode, globalStoreRule } from './global-store.ts'
import { type ForeignKeyJoinNode, foreignKeyJoinRule } from './foreign-key-join.ts'
import { type GlobalTableNode, globalTableRule } from './global-table.ts'
import { type MapAsyncNode, mapAsyncRule } from './map-async.ts'
import { type MapNode, mapRule } from './map.ts'
import { type MapValuesAsyncNode, mapValuesAsyncRule } from './map-values-async.ts'
import { type MapValuesNode, mapValuesRule } from './map-values.ts'
import { type MarkAsPartitionedNode, markAsPartitionedRule } from './mark-as-partitioned.ts'
import { type MergeNode, mergeRule } from './merge.ts'
import { type PeekNode, peekRule } from './peek.ts'
import { type PrintNode, printRule } from './print.ts'
import { type ProcessAsyncNode, processAsyncRule } from './process-async.ts'
import {
  type ProcessNode,
  type ProcessValuesNode,
  processRule,
  processValuesRule,
} from './process.ts'
import { type RepartitionNode, repartitionRule } from './repartition.ts'
import { type SelectKeyNode, selectKeyRule } from './select-key.ts'
import { type SplitNode, splitRule } from './split.ts'
import { type StateStoreNode, stateStoreRule } from './state-store.ts'
import {
  type StreamGlobalTableJoinNode,
  streamGlobalTableJoinRule,
} from './stream-global-table-join.ts'
import { type StreamSourceNode, streamSourceRule } from './stream-source.ts'
import { type StreamStreamJoinNode, streamStreamJoinRule } from './stream-stream-join.ts'
import { type StreamTableJoinNode, streamTableJoinRule } from './stream-table-join.ts'
import { type TableAggregateNode, tableAggregateRule } from './table-aggregate.ts'
import { type TableFilterNode, tableFilterRule } from './table-filter.ts'
import { type TableGroupByNode, tableGroupByRule } from './table-group-by.ts'
import { type TableMapValuesNode, tableMapValuesRule } from './table-map-values.ts'
import { type TableSourceNode, tableSourceRule } from './table-source.ts'
import { type TableSuppressNode, tableSuppressRule } from './table-suppress.ts'
import { type TableTableJoinNode, tableTableJoinRule } from './table-table-join.ts'
import {
  type TableTransformValuesNode,
  tableTransformValuesRule,
} from './table-transform-values.ts'
import { type ToNode, toRule } from './to.ts'
import { type ToStreamNode, toStreamRule } from './to-stream.ts'
import { type ToTableNode, toTableRule } from './to-table.ts'

/** What the DSL makes and the compiler takes: nodes in the order of the calls that made them. */
export interface LogicalGraph {
  readonly nodes: readonly LogicalNode[]
}

export type LogicalNode =
  | AggregateNode
  | BranchNode
  | CogroupNode
  | DeduplicateNode
  | FilterNode
  | FlatMapNode
  | FlatMapValuesNode
  | ForeachNode
  | ForeachAsyncNode
  | GlobalStoreNode
  | ForeignKeyJoinNode
  | GlobalTableNode
  | MapNode
  | MapAsyncNode
  | MapValuesNode
  | MapValuesAsyncNode
  | MarkAsPartitionedNode
  | MergeNode
  | PeekNode
  | PrintNode
  | ProcessNode
  | ProcessAsyncNode
  | ProcessValuesNode
  | RepartitionNode
  | SelectKeyNode
  | SplitNode
  | StateStoreNode
  | StreamGlobalTableJoinNode
  | StreamSourceNode
  | StreamStreamJoinNode
  | StreamTableJoinNode
  | TableAggregateNode
  | TableFilterNode
  | TableGroupByNode
  | TableMapValuesNode
  | TableSourceNode
  | TableSuppressNode
  | TableTableJoinNode
  | TableTransformValuesNode
  | ToNode
  | ToStreamNode
  | ToTableNode

/** One rule for each kind: a kind without a rule does not compile. */
const rules: { readonly [K in LogicalNode['kind']]: NodeRule<Extract<LogicalNode, { kind: K }>> } =
  {
    aggregate: aggregateRule,
    branch: branchRule,
    cogroup: cogroupRule,
    deduplicate: deduplicateRule,
    filter: filterRule,
    flatMap: flatMapRule,
    flatMapValues: flatMapValuesRule,
    foreach: foreachRule,
    foreachAsync: foreachAsyncRule,
    globalStore: globalStoreRule,
    foreignKeyJoin: foreignKeyJoinRule,
    globalTable: globalTableRule,
    map: mapRule,
    mapAsync: mapAsyncRule,
    mapValues: mapValuesRule,
    mapValuesAsync: mapValuesAsyncRule,
    markAsPartitioned: markAsPartitionedRule,
    merge: mergeRule,
    peek: peekRule,
    print: printRule,
    process: processRule,
    processAsync: processAsyncRule,
    processValues: processValuesRule,
    repartition: repartitionRule,
    selectKey: selectKeyRule,
    split: splitRule,
    stateStore: stateStoreRule,
    streamGlobalTableJoin: streamGlobalTableJoinRule,
    streamSource: streamSourceRule,
    streamStreamJoin: streamStreamJoinRule,
    streamTableJoin: streamTableJoinRule,
    tableAggregate: tableAggregateRule,
    tableFilter: tableFilterRule,
    tableGroupBy: tableGroupByRule,
    tableMapValues: tableMapValuesRule,
    tableSource: tableSourceRule,
    tableSuppress: tableSuppressRule,
    tableTableJoin: tableTableJoinRule,
    tableTransformValues: tableTransformValuesRule,
    to: toRule,
    toStream: toStreamRule,
    toTable: toTableRule,
  }

/** The rule of the node's kind. */
export function ruleOf(node: LogicalNode): NodeRule<LogicalNode> {
  return rules[node.kind]
}
