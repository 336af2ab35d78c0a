import type { LogicalGraph, LogicalNode } from './nodes/index.ts'
import type { NodeId } from './nodes/node.ts'

/** A node before it has its id. */
export type NewNode = LogicalNode extends infer N
  ? N extends LogicalNode
    ? Omit<N, 'id'>
    : never
  : never

/** The graph while the DSL builds it: it only grows. */
export class GraphBuilder implements LogicalGraph {
  readonly #nodes: LogicalNode[] = []

  get nodes(): readonly LogicalNode[] {
    return this.#nodes
  }

  /** Freezes the node and adds it; returns its id, by which its children refer to it. */
  add(node: NewNode): NodeId {
    const id = this.#nodes.length
    this.#nodes.push(Object.freeze({ ...node, id }))
    return id
  }
}
