import assert from 'node:assert/strict'

/**
 * The life of an application, in Kafka Streams' words (`KafkaStreams.State`):
 *
 *     CREATED → REBALANCING ⇄ RUNNING → PENDING_SHUTDOWN → NOT_RUNNING
 *                          ↘ PENDING_ERROR → ERROR
 *
 * RUNNING means that every task of this instance processes records: none is being restored and no rebalance is under
 * way. An error while shutting down ends in ERROR too.
 */
export type ApplicationState = keyof typeof successors

const successors = {
  CREATED: ['REBALANCING', 'PENDING_SHUTDOWN', 'PENDING_ERROR'],
  REBALANCING: ['RUNNING', 'PENDING_SHUTDOWN', 'PENDING_ERROR'],
  RUNNING: ['REBALANCING', 'PENDING_SHUTDOWN', 'PENDING_ERROR'],
  PENDING_SHUTDOWN: ['NOT_RUNNING', 'PENDING_ERROR'],
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
