import assert from 'node:assert/strict'

import type { FetchedPartition, PartitionOffset, TopicPartition } from '../client/log-client.ts'
import type { TaskState } from '../state/task-state.ts'
import { changelogsOf } from './changelogs.ts'
import type { PlannedTask } from './partition-plan.ts'
import type { StandbyUpdateListener, SuspendReason } from './restore-listener.ts'

/**
 * The state of a task that runs elsewhere, kept as its changelogs have it. It applies what is fetched and knows how far it
 * is; who reads for it is `standby-tasks.ts`. Kafka Streams' `StandbyTask`.
 */
export class StandbyTask {
  readonly taskId: string
  readonly state: TaskState
  readonly #changelogs: Map<string, Changelog>
  readonly #listener: StandbyUpdateListener
  readonly #onEnd: () => void

  constructor(
    planned: PlannedTask,
    state: TaskState,
    options: {
      /** Where the changelogs begin. */
      starts: readonly PartitionOffset[]
      listener: StandbyUpdateListener
      onEnd: () => void
    },
  ) {
    const { starts, listener } = options
    this.#onEnd = options.onEnd
    this.taskId = planned.id
    this.state = state
    this.#listener = listener
    this.#changelogs = new Map(
      changelogsOf(planned).map(changelog => {
        const { topic } = changelog
        const start = starts.find(offset => offset.topic === topic)?.offset ?? 0
        const position = state.checkpoint(changelog) ?? start
        return [topic, { ...changelog, position, end: position, limit: 0 }]
      }),
    )
    for (const changelog of this.#changelogs.values()) {
      listener.onUpdateStart?.(placeOf(changelog), changelog.store, changelog.position)
    }
  }

  /** Whether the partition is a changelog of the task. */
  reads({ topic, partition }: TopicPartition): boolean {
    return this.#changelogs.get(topic)?.partition === partition
  }

  /** Topics that stand for changelogs: what is not committed there may not be applied. */
  get sources(): TopicPartition[] {
    return [...this.#changelogs.values()].filter(({ isSource }) => isSource).map(placeOf)
  }

  /** The group has processed a source up to here. */
  limit({ topic, offset }: PartitionOffset): void {
    const changelog = this.#changelogs.get(topic)
    if (changelog !== undefined) changelog.limit = offset
  }

  /** Where reading goes on; of sources only where there is something to read. */
  get positions(): PartitionOffset[] {
    return [...this.#changelogs.values()]
      .filter(({ isSource, position, limit }) => !isSource || position < limit)
      .map(changelog => ({ ...placeOf(changelog), offset: changelog.position }))
  }

  /** Returns how many records there were. */
  async apply(fetched: FetchedPartition): Promise<number> {
    const changelog = this.#changelogs.get(fetched.topic)
    if (changelog === undefined || fetched.nextOffset <= changelog.position) return 0
    assert(fetched.offset <= changelog.position, 'a standby would miss records')
    const { store, isSource, limit } = changelog
    const end = isSource ? limit : Infinity
    const records = await this.state.restore(store, fetched, end)
    changelog.position = Math.min(fetched.nextOffset, end)
    changelog.end = fetched.highWatermark
    const { position } = changelog
    this.#listener.onBatchLoaded?.(placeOf(changelog), store, position, records, changelog.end)
    return records
  }

  /** It is no standby any more: before its stores are closed, or run. */
  end(reason?: SuspendReason): void {
    this.#onEnd()
    if (reason === undefined) return
    for (const changelog of this.#changelogs.values()) {
      const { store, position, end } = changelog
      this.#listener.onUpdateSuspended?.(placeOf(changelog), store, position, end, reason)
    }
  }
}

interface Changelog extends TopicPartition {
  readonly store: string
  readonly isSource: boolean
  /** Next offset to be applied. */
  position: number
  /** How far the changelog goes, as far as is known. */
  end: number
  limit: number
}

const placeOf = ({ topic, partition }: TopicPartition): TopicPartition => ({ topic, partition })
