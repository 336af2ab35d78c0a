import assert from 'node:assert/strict'

/**
 * The life of an application, in Kafka Streams' words (`KafkaStreams.State`):
 *
 *     CREATED → REBALANCING ⇄ RUNNING → PENDING_SHUTDOWN → NOT_RUNNING
 *                          ↘ PENDING_ERROR → ERROR
 *
 * RUNNING means that every task of this instance processes records, or would if it were not paused: none is being
 * restored. ERROR means that an error ended the instance; one that could only not be closed in good order is NOT_RUNNING,
 * and `close` tells what failed.
 */
export type ApplicationState = keyof typeof successors

const successors = {
  CREATED: ['REBALANCING', 'PENDING_SHUTDOWN'],
  REBALANCING: ['RUNNING', 'PENDING_SHUTDOWN', 'PENDING_ERROR'],
  RUNNING: ['REBALANCING', 'PENDING_SHUTDOWN', 'PENDING_ERROR'],
  PENDING_SHUTDOWN: ['NOT_RUNNING'],
  NOT_RUNNING: [],
  PENDING_ERROR: ['ERROR'],
  ERROR: [],
} as const

export type StateListener = (state: ApplicationState, previous: ApplicationState) => void

export class StateMachine {
  #state: ApplicationState = 'CREATED'
  readonly #listener: StateListener

  constructor(listener: StateListener) {
    this.#listener = listener
  }

  get state(): ApplicationState {
    return this.#state
  }

  /** Whether the application has begun to stop, for whatever reason. */
  get stopping(): boolean {
    return this.#state !== 'CREATED' && this.#state !== 'REBALANCING' && this.#state !== 'RUNNING'
  }

  /** Does nothing when the state is the same; a transition that is not in the picture is a bug. */
  to(state: ApplicationState): void {
    const previous = this.#state
    if (state === previous) return
    const allowed: readonly ApplicationState[] = successors[previous]
    assert(allowed.includes(state), `an application in ${previous} cannot become ${state}`)
    this.#state = state
    this.#listener(state, previous)
  }
}
