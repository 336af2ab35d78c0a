import type { PartitionOffset } from '../../client/log-client.ts'
import type { TaskState } from '../../state/task-state.ts'
import type { Role } from './query.ts'

/** A task of which this instance has the stores open. */
export interface HostedTask {
  readonly taskId: string
  readonly role: Role
  readonly state: TaskState
  /** Next offsets of its inputs, of what queries see that see what is not committed. */
  readonly position: readonly PartitionOffset[]
}

interface ActiveTask {
  readonly taskId: string
  readonly state: TaskState
  readonly position: readonly PartitionOffset[]
}

/**
 * The one place that knows which stores can be read on this instance: those of the tasks at work, which the worker has, and
 * those of others, which whoever opens them tells.
 */
export class HostedTasks {
  readonly #active: () => Iterable<ActiveTask>
  readonly #others = new Set<HostedTask>()

  constructor(active: () => Iterable<ActiveTask>) {
    this.#active = active
  }

  /** The stores of a task that is not at work are open. Call what is returned before they close or the task is at work. */
  opened(state: TaskState, role: 'restoring' | 'standby'): () => void {
    const { taskId } = state
    const task: HostedTask = {
      taskId,
      role,
      state,
      get position() {
        return state.position
      },
    }
    this.#others.add(task)
    return () => void this.#others.delete(task)
  }

  /** The tasks of a sub-topology by partition; where there is one at work and another, the one at work. */
  of(subtopology: number): Map<number, HostedTask> {
    const found = new Map<number, HostedTask>()
    for (const task of this.all()) {
      const [id, partition] = task.taskId.split('_').map(Number)
      if (id === subtopology && partition !== undefined) found.set(partition, task)
    }
    return new Map([...found].sort(([a], [b]) => a - b))
  }

  /** Those at work last. */
  *all(): Iterable<HostedTask> {
    yield* this.#others
    for (const task of this.#active()) {
      const { taskId, state } = task
      const { position } = task
      yield { taskId, state, role: 'active', position }
    }
  }
}
