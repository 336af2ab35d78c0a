/**
 * What every node of the logical graph has. The DSL makes one per call and freezes it; the compiler never changes one.
 * Each kind has its own file in this folder: the node, and the rule by which the passes of the compiler treat it.
 */
export interface NodeBase<Kind extends string = string> {
  readonly kind: Kind
  readonly id: NodeId
  readonly parents: readonly NodeId[]
  /** The name that the user gave. Without one it is numbered. */
  readonly name?: string | undefined
}

/** Nodes are numbered in the order of the DSL calls that made them. */
export type NodeId = number
