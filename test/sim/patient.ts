import type { Connection } from '../../src/client/connection.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { MillraceError } from '../../src/errors.ts'
import type { Platform } from '../../src/platform/platform.ts'
import { errorCode, isRetriable } from '../../src/protocol/error-codes.ts'
import { pause } from '../../src/runtime/pause.ts'
import { brokerAddress } from './watched-broker.ts'

/** Requests that are sent again, on a new connection if need be, until there is an answer that counts. */
export class Patient {
  private readonly platform: Platform
  private connection: Connection | null = null
  /** One that was given up while it was slow: what it has taken may still reach the broker. */
  private slow: Connection | null = null

  constructor(platform: Platform) {
    this.platform = platform
  }

  async ask<Answer>(
    work: (connection: Connection) => Promise<Answer>,
    isFinal: (answer: Answer) => boolean = () => true,
  ): Promise<Answer> {
    for (;;) {
      try {
        const connector = wireConnector(this.platform, { clientId: 'c', requestTimeoutMs: 1_500 })
        this.connection ??= await connector(brokerAddress)
        const answer = await work(this.connection)
        if (isFinal(answer)) return answer
      } catch (error) {
        if (!(error instanceof MillraceError) || !error.retriable) throw error
        await this.close()
      }
      await pause(this.platform.timers, 25)
    }
  }

  /** Goes on with a new connection, as after an answer that did not come in time. */
  giveUp(): void {
    void this.slow?.close()
    this.slow = this.connection
    this.connection = null
  }

  /** What the slow connection had taken arrives. Nobody waits for the answer. */
  arrive(late: (connection: Connection) => Promise<unknown>): boolean {
    if (this.slow === null || this.connection === null) return false
    late(this.slow).catch(() => undefined)
    return true
  }

  async close(): Promise<void> {
    const { connection } = this
    this.connection = null
    await connection?.close()
  }
}

/** Whether an error code, by its name, is one that asking again does not change. */
export function isFinalCode(name: string): boolean {
  const [, code] = Object.entries(errorCode).find(([known]) => known === name) ?? []
  return code === undefined || !isRetriable(code)
}
