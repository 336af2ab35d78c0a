import type { Api } from '../protocol/schema.ts'

/**
 * One conversation with one broker: requests go out in order, responses come back in order. The wire connection encodes
 * them to a socket; the in-process connection of the embedded broker hands the same objects over. Everything above
 * (metadata, producer, consumer, group membership) is written once, against this.
 */
export interface Connection {
  /**
   * Sends a request in the highest version that both sides know and resolves with the response.
   * Rejects with CONNECTION_LOST when the connection ends first; then nobody knows whether the request took effect.
   */
  request<Request, Response>(api: Api<Request, Response>, body: Request): Promise<Response>
  close(): Promise<void>
}

/** Opens connections: `address` is where a broker says it listens; the in-process connector ignores it. */
export type Connector = (address: { host: string; port: number }) => Promise<Connection>
