import type { Address } from '../platform/platform.ts'
import type { Api } from '../protocol/schema.ts'

/**
 * One conversation with one broker: requests go out in order, responses come back in order. The wire connection encodes
 * them to a socket; the in-process connection of the embedded broker hands the same objects over. Everything above
 * (metadata, producer, consumer, group membership) is written once, against this.
 *
 * A broker may serve one request of a connection at a time, so whoever sends requests that the broker holds back
 * (a fetch that waits for data, a join that waits for other members) keeps a connection of its own.
 */
export interface Connection {
  /**
   * Sends a request in the highest version that both sides know and resolves with the response.
   * Rejects with CONNECTION_LOST when the connection ends first; then nobody knows whether the request took effect.
   * A request whose layout changed between versions carries the fields of both layouts.
   */
  request<Request, Response>(
    api: Api<Request, Response>,
    body: Request,
    options?: RequestOptions,
  ): Promise<Response>
  close(): Promise<void>
}

export interface RequestOptions {
  /** How long in milliseconds the request allows the broker to hold the answer back, on top of the usual time limit. */
  readonly waitMs?: number
}

/** Opens connections: `address` is where a broker says it listens; the in-process connector ignores it. */
export type Connector = (address: Address) => Promise<Connection>
