import type { Isolation } from '../client/log-client.ts'
import type { Logger } from '../logger.ts'
import type { Clock } from '../platform/platform.ts'
import type { CacheBudget } from '../state/record-cache.ts'
import type { StoreEngine } from '../state/store-engine.ts'
import type { TaskState } from '../state/task-state.ts'
import type { ResolvedTaskConfig } from '../topology/task-config.ts'
import type { CallSurroundings } from './async-calls.ts'
import { isCorruption } from './is-corruption.ts'
import type { PlannedTask } from './partition-plan.ts'
import type { RecordCollector } from './record-collector.ts'
import type { RestoreListener } from './restore-listener.ts'
import { type RestoreLog, restoreTask } from './restore.ts'
import {
  offsetResetOf,
  type StartLog,
  type StartPosition,
  startPositions,
} from './start-positions.ts'
import { Task } from './task.ts'

/** A task that is ready to process, and where its inputs begin. */
export interface StartedTask {
  readonly task: Task
  readonly positions: readonly StartPosition[]
}

export interface TaskSurroundings {
  readonly applicationId: string
  readonly client: RestoreLog & StartLog
  readonly engine: StoreEngine
  /** Opens the stores of a task, or takes over those that are open. */
  readonly openState: (planned: PlannedTask) => Promise<TaskState>
  readonly clock: Pick<Clock, 'now'>
  readonly collector: RecordCollector
  readonly globalStore: (name: string) => unknown
  readonly config: ResolvedTaskConfig
  /** What of transactions is read of the inputs. @defaultValue 'readUncommitted' */
  readonly isolation?: Isolation
  /** Of all tasks of the instance together. */
  readonly cache: CacheBudget | undefined
  /** The wall clock, in milliseconds since the Unix epoch. */
  readonly now: () => number
  readonly calls: CallSurroundings
  readonly logger: Logger
  /** The stores are open, and not restored; what it returns is called before that ends. */
  readonly onOpened?: (state: TaskState) => () => void
  readonly restoreListener: RestoreListener
  readonly onRestored: (records: number) => void
}

/**
 * Opens the stores of a task, restores them from their changelogs and makes the task, which goes on where the group has
 * committed. Stores that turn out to be damaged are wiped and restored from the beginning, once. Resolves with undefined,
 * having closed everything, when `signal` was aborted before the end.
 */
export async function startTask(
  planned: PlannedTask,
  surroundings: TaskSurroundings,
  signal: AbortSignal,
): Promise<StartedTask | undefined> {
  try {
    return await start(planned, surroundings, signal)
  } catch (error) {
    if (!isCorruption(error)) throw error
    surroundings.logger.warn({ taskId: planned.id, error }, 'A task is restored from its changelog')
    await surroundings.engine.destroy(planned.id)
    return start(planned, surroundings, signal)
  }
}

async function start(
  planned: PlannedTask,
  surroundings: TaskSurroundings,
  signal: AbortSignal,
): Promise<StartedTask | undefined> {
  const { applicationId, client, openState, clock, logger, onRestored } = surroundings
  const state = await openState(planned)
  const onClosing = surroundings.onOpened?.(state)
  const close = (): Promise<void> => {
    onClosing?.()
    return state.close()
  }
  try {
    const { subtopology, partition } = planned
    const partitions = planned.topics.map(topic => {
      return { topic, partition, reset: offsetResetOf(topic, subtopology) }
    })
    const positions = await startPositions({
      client,
      group: applicationId,
      partitions,
      isolation: surroundings.isolation,
      now: clock.now(),
      logger,
    })
    const { restoreListener: listener } = surroundings
    await restoreTask({ client, task: planned, state, positions, signal, listener, onRestored })
    if (signal.aborted) {
      await close()
      return undefined
    }
    // Offsets are committed after the changelog has what they stand for, so the stores reflect at least these.
    state.knowPosition(positions.filter(({ isNew }) => !isNew))
    onClosing?.()
    return { task: makeTask(planned, surroundings, state, positions), positions }
  } catch (error) {
    await close()
    throw error
  }
}

function makeTask(
  { id, partition, subtopology }: PlannedTask,
  { applicationId, collector, globalStore, config, cache, now, calls, logger }: TaskSurroundings,
  state: TaskState,
  positions: readonly StartPosition[],
): Task {
  const { nodes, stores } = subtopology
  const inputs = positions
  const surroundings = { collector, globalStore, config, cache, now, calls, logger }
  const context = { applicationId, taskId: id, partition, ...surroundings }
  const task = new Task({ ...context, nodes, stores, inputs, state })
  for (const { topic, partition: input, end } of positions) {
    task.knowHighWatermark({ topic, partition: input, offset: end })
  }
  return task
}
