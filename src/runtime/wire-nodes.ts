import assert from 'node:assert/strict'

import type { Processor, ProcessorContext } from '../topology/processor.ts'
import type { Subtopology, TopologyNode } from '../topology/topology.ts'
import type { Collector } from './record-collector.ts'
import { TaskNode, type TaskScope } from './task-node.ts'
import { sinkProcessor, type SinkScope } from './task-sink.ts'

/** Makes the nodes of a task, parents first, each the child of its parents. */
export function wireNodes(
  nodes: Subtopology['nodes'],
  collector: Collector,
  scope: TaskScope & SinkScope,
): Map<string, TaskNode> {
  const made = new Map<string, TaskNode>()
  try {
    for (const node of nodes) {
      const taskNode = new TaskNode(node, scope, context =>
        processorOf(node, context, collector, scope),
      )
      made.set(node.name, taskNode)
      if (node.kind === 'source') continue
      for (const parent of node.parents) nodeCalled(parent, made).addChild(taskNode)
    }
  } catch (error) {
    for (const { processor } of made.values()) processor.close?.()
    throw error
  }
  return made
}

export function nodeCalled(name: string, nodes: ReadonlyMap<string, TaskNode>): TaskNode {
  const node = nodes.get(name)
  assert(node !== undefined, `there is no node ${name}, or it stands behind its children`)
  return node
}

function processorOf(
  node: TopologyNode,
  context: ProcessorContext,
  collector: Collector,
  scope: SinkScope,
): Processor {
  switch (node.kind) {
    case 'source':
      return { process: record => context.forward(record) }
    case 'processor':
      return node.supplier(context)
    case 'sink':
      return sinkProcessor(node, collector, scope)
    default:
      return node satisfies never
  }
}
