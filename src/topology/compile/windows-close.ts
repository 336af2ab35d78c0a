import { MillraceError } from '../../errors.ts'
import { type LogicalNode, ruleOf } from '../nodes/index.ts'
import type { NodeId } from '../nodes/node.ts'

/**
 * How long after their end the windows close whose results come to a node: as the aggregations upstream say that are nearest
 * on each way there, the longest of them. `GraphGraceSearchUtil`.
 *
 * Throws INVALID_TOPOLOGY when there is a way without one.
 */
export function windowsCloseAfterMs(
  id: NodeId,
  nodes: ReadonlyMap<NodeId, LogicalNode>,
  name: string,
): number {
  let longest = 0
  const ways = [id]
  for (let at = ways.pop(); at !== undefined; at = ways.pop()) {
    const node = nodes.get(at)
    const closeAfterMs = node && ruleOf(node).windowsCloseAfterMs?.(node)
    if (closeAfterMs !== undefined) longest = Math.max(longest, closeAfterMs)
    else if (node === undefined || node.parents.length === 0) throw noWindows(name)
    else ways.push(...node.parents)
  }
  return longest
}

function noWindows(name: string): MillraceError {
  return new MillraceError(
    'INVALID_TOPOLOGY',
    `${name} waits until windows close, but its table does not come from a windowed aggregation of this topology. Suppress the ` +
      'table of one, or until a time limit.',
  )
}
