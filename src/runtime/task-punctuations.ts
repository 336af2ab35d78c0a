import { MillraceError } from '../errors.ts'
import type { Cancellable, Punctuator, ScheduleOptions } from '../topology/processor.ts'
import { toMillis } from '../windowing/duration.ts'
import { nextOnGrid, PunctuationQueue } from './punctuation-queue.ts'
import type { TaskNode } from './task-node.ts'
import { globalTaskId } from './topology-parts.ts'

/** What punctuators of a task see of it. */
export interface PunctuationScope {
  readonly taskId: string
  readonly streamTime: number
  /** The wall clock, in milliseconds since the Unix epoch. */
  readonly now: () => number
}

/** What the processors of one task have scheduled, by stream time and by the wall clock. */
export class TaskPunctuations {
  readonly #scope: PunctuationScope
  readonly #streamTime = new PunctuationQueue<TaskNode>()
  readonly #wallClock = new PunctuationQueue<TaskNode>()

  constructor(scope: PunctuationScope) {
    this.#scope = scope
  }

  by(type: ScheduleOptions['type']): PunctuationQueue<TaskNode> {
    return type === 'streamTime' ? this.#streamTime : this.#wallClock
  }

  /** Throws INVALID_CONFIG for what cannot work, INVALID_TOPOLOGY in the task of the global stores. */
  schedule(
    node: TaskNode,
    { every, type, startAt }: ScheduleOptions,
    punctuator: Punctuator,
  ): Cancellable {
    const { taskId, streamTime } = this.#scope
    if (taskId === globalTaskId) {
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        `${node.nodeName} fills a global store and cannot schedule: it knows no time but that of its records.`,
      )
    }
    if (!isClock(type)) {
      throw new MillraceError(
        'INVALID_CONFIG',
        `A punctuation of ${node.nodeName} is by the clock ${JSON.stringify(type)}. Give streamTime or wallClock.`,
      )
    }
    const everyMs = toMillis(every, `The interval of a punctuation of ${node.nodeName}`, 1)
    const now = type === 'streamTime' ? streamTime : this.#scope.now()
    let startMs = type === 'streamTime' ? 0 : now + everyMs
    if (startAt !== undefined) {
      requireStart(startAt, node.nodeName)
      startMs = startAt < now ? nextOnGrid(startAt, everyMs, now) : startAt
    }
    return this.by(type).schedule({ node, startMs, everyMs }, punctuator)
  }
}

/** Not every caller was compiled. */
const isClock = (type: string): boolean => type === 'streamTime' || type === 'wallClock'

function requireStart(startAt: number, nodeName: string): void {
  if (Number.isSafeInteger(startAt) && startAt >= 0) return
  throw new MillraceError(
    'INVALID_CONFIG',
    `A punctuation of ${nodeName} cannot start at ${startAt}. Give startAt milliseconds since the Unix epoch, a whole number of at least 0.`,
  )
}
