import type { CommittedOffset, FetchedPartition } from '../../src/client/log-client.ts'
import { silentLogger } from '../../src/logger.ts'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'
import { RecordReader } from '../../src/protocol/record-batch-reader.ts'
import { RecordCollector } from '../../src/runtime/record-collector.ts'
import { Task } from '../../src/runtime/task.ts'
import { newTaskState } from '../../src/state/task-state.ts'
import { type TaskConfig, resolveTaskConfig } from '../../src/topology/task-config.ts'
import type { Topology } from '../../src/topology/topology.ts'
import type { VirtualPlatform } from '../client/virtual-platform.ts'

/** A record of the topic `in`, which the task reads, or of one that it has written. */
export interface TextRecord {
  readonly topic?: string
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
}

/**
 * One life of a task whose work takes virtual time, over a log that outlives it: inputs, committed offset, committed outputs. Kept
 * apart from the worker, so that a test can see what is between two steps.
 */
export class AsyncTask {
  readonly task: Task
  readonly #collector = new RecordCollector({ partitions: () => 1 })
  readonly #log: AsyncTaskLog

  constructor(
    topology: Topology,
    log: AsyncTaskLog,
    platform: VirtualPlatform,
    config: TaskConfig = {},
  ) {
    const [subtopology] = topology.subtopologies
    if (subtopology === undefined) throw new Error('the topology has a sub-topology')
    this.#log = log
    const { nodes, stores } = subtopology
    this.task = new Task({
      applicationId: topology.applicationId,
      taskId: '0_0',
      partition: 0,
      nodes,
      stores,
      inputs: [{ topic: 'in', partition: 0, offset: log.committed, metadata: log.metadata }],
      state: newTaskState('0_0', stores),
      collector: this.#collector,
      globalStore: () => undefined,
      config: resolveTaskConfig(config),
      now: () => platform.nowMs,
      calls: { timers: platform.timers, random: platform.random, wake: () => {} },
      logger: silentLogger,
    })
    if (log.committed < log.inputs.length) this.task.add(log.fetch())
  }

  /** What is written since the last commit. */
  #drain(): TextRecord[] {
    const reader = new RecordReader()
    const written: TextRecord[] = []
    for (const { topic, batch } of this.#collector.drain()) {
      reader.reset(batch)
      while (reader.next()) {
        const { key, value, timestamp } = reader
        const texts = { key: key && key.toString(), value: value && value.toString() }
        written.push({ topic, ...texts, timestamp })
      }
    }
    return written
  }

  /** Commits outputs and offset together, if nothing is in flight. */
  commitIfDrained(): boolean {
    if (!this.task.isDrained()) return false
    const [offset] = this.task.prepareCommit()
    if (offset !== undefined) this.#log.commit(offset, this.#drain())
    void this.task.completeCommit()
    return true
  }
}

/** What outlives a task. */
export class AsyncTaskLog {
  readonly inputs: readonly TextRecord[]
  readonly outputs: TextRecord[] = []
  committed = 0
  metadata = ''

  constructor(inputs: readonly TextRecord[]) {
    this.inputs = inputs
  }

  fetch(): FetchedPartition {
    const builder = new RecordBatchBuilder()
    for (const { key, value, timestamp } of this.inputs) {
      builder.append(
        key === null ? null : Buffer.from(key),
        value === null ? null : Buffer.from(value),
        timestamp,
        [],
      )
    }
    return {
      topic: 'in',
      partition: 0,
      offset: this.committed,
      nextOffset: this.inputs.length,
      highWatermark: this.inputs.length,
      batches: builder.build(),
    }
  }

  commit({ offset, metadata }: CommittedOffset, outputs: readonly TextRecord[]): void {
    this.committed = offset
    this.metadata = metadata ?? ''
    this.outputs.push(...outputs)
  }
}
