import { MillraceError } from '../errors.ts'
import type { Platform, Timer } from '../platform/platform.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { heartbeat } from '../protocol/messages/12-heartbeat.ts'
import { backoffMs } from './backoff.ts'
import type { Coordinator } from './coordinator.ts'

/** Heartbeats also tell a member of a rebalance, so they come often enough for one to begin soon. */
const longestIntervalMs = 1000
const perSession = 3

/** Keeps a membership alive on timers, whatever the rest of the process does between them. */
export class GroupHeartbeat {
  readonly #platform: Platform
  readonly #coordinator: Coordinator
  readonly #group: string
  readonly #instanceId: string | null
  readonly #intervalMs: number
  #timer: Timer | undefined
  /** Counts starts and stops, so that an answer to an earlier membership is recognised. */
  #turn = 0

  constructor(
    platform: Platform,
    coordinator: Coordinator,
    options: {
      readonly group: string
      readonly instanceId?: string
      readonly sessionTimeoutMs: number
    },
  ) {
    this.#platform = platform
    this.#coordinator = coordinator
    this.#group = options.group
    this.#instanceId = options.instanceId ?? null
    this.#intervalMs = Math.min(options.sessionTimeoutMs / perSession, longestIntervalMs)
  }

  /** Beats for the membership; `refused` gets every error code that the coordinator answers. */
  start(
    membership: { memberId: string; generation: number },
    refused: (code: number) => void,
  ): void {
    this.stop()
    this.#schedule(this.#intervalMs, () => this.#beat(membership, refused, this.#turn, 0))
  }

  stop(): void {
    this.#turn += 1
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #schedule(delayMs: number, beat: () => Promise<void>): void {
    this.#timer = this.#platform.timers.schedule(delayMs, () => void beat())
  }

  async #beat(
    membership: { memberId: string; generation: number },
    refused: (code: number) => void,
    turn: number,
    failuresBefore: number,
  ): Promise<void> {
    let failures = 0
    try {
      const { errorCode: code } = await this.#coordinator.request(heartbeat, {
        groupId: this.#group,
        generationId: membership.generation,
        memberId: membership.memberId,
        groupInstanceId: this.#instanceId,
      })
      if (turn !== this.#turn) return
      if (code !== errorCode.NONE) refused(code)
    } catch (error) {
      // Whether the membership still stands is for the coordinator to say, once it can be reached.
      if (!(error instanceof MillraceError)) throw error
      failures = failuresBefore + 1
    }
    if (turn !== this.#turn) return
    const delayMs =
      failures === 0
        ? this.#intervalMs
        : Math.min(backoffMs(failures, this.#platform.random), this.#intervalMs)
    this.#schedule(delayMs, () => this.#beat(membership, refused, turn, failures))
  }
}
