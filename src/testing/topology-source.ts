import type { App } from '../dsl/define-app.ts'
import { StreamsBuilder } from '../dsl/streams-builder.ts'
import {
  type ResolvedTaskConfig,
  resolveTaskConfig,
  type TaskConfig,
} from '../topology/task-config.ts'
import type { Topology } from '../topology/topology.ts'

/** What to test: an app, a function that builds its topology, or a topology that was built. */
export type TopologySource = App | ((builder: StreamsBuilder) => void) | Topology

export function topologyOf(source: TopologySource): Topology {
  if (typeof source !== 'function') return 'compile' in source ? source.compile() : source
  const builder = new StreamsBuilder()
  source(builder)
  return builder.build('test')
}

/** The settings of the app, overruled by those of its test. Each update of a table goes on at once unless they say otherwise. */
export function taskConfigOf(source: TopologySource, overruling: TaskConfig): ResolvedTaskConfig {
  return resolveTaskConfig(
    { cacheMaxBytes: 0, ...('taskConfig' in source && source.taskConfig) },
    overruling,
  )
}
