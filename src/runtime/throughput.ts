import { partitionName } from '../client/partition-map.ts'
import { recordCount } from '../protocol/record-batch.ts'
import type { Topology } from '../topology/topology.ts'
import type { Committed } from './commit.ts'
import type { Counters } from './metrics/application-metrics.ts'
import type { InstanceMeasures } from './metrics/instance-measures.ts'
import type { StartedTask } from './start-task.ts'
import type { Task } from './task.ts'

/**
 * Counts what an instance has done, commit by commit: what was dropped with a lost task is not counted, and what is
 * counted is in the log. Input is counted by offsets, so a gap that compaction, retention or a transaction left counts too.
 */
export class Throughput {
  readonly counters: Counters
  readonly #measures: InstanceMeasures
  readonly #internal: ReadonlySet<string>
  readonly #positions = new Map<string, number>()
  readonly #dropped = new Map<Task, number>()

  constructor(topology: Topology, counters: Counters, measures: InstanceMeasures) {
    this.#internal = new Set(topology.internalTopics.map(topic => topic.name))
    this.counters = counters
    this.#measures = measures
  }

  started({ positions }: StartedTask): void {
    this.#measures.tasksCreated++
    for (const position of positions) this.#positions.set(partitionName(position), position.offset)
  }

  committed({ offsets, batches, tasks }: Committed): void {
    this.counters.commits++
    for (const position of offsets) {
      const before = this.#positions.get(partitionName(position)) ?? position.offset
      this.#positions.set(partitionName(position), position.offset)
      if (!this.#internal.has(position.topic)) this.counters.processed += position.offset - before
    }
    for (const { topic, batch } of batches) {
      const records = recordCount(batch)
      if (!this.#internal.has(topic)) this.counters.emitted += records
      this.#measures.sent(topic, records, batch.length)
    }
    for (const task of tasks) {
      this.counters.dropped += task.droppedRecords - (this.#dropped.get(task) ?? 0)
      this.#dropped.set(task, task.droppedRecords)
    }
  }

  closed(task: Task): void {
    this.#measures.tasksClosed++
    this.#dropped.delete(task)
  }
}
