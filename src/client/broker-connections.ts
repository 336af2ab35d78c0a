import { MillraceError } from '../errors.ts'
import type { Address } from '../platform/platform.ts'
import type { Api } from '../protocol/schema.ts'
import type { Connection, Connector, RequestOptions } from './connection.ts'
import { isConnectionFailure } from './errors.ts'

/**
 * The connections of one user (a consumer, a producer, a group member, the administration): one to each broker it talks
 * to, opened on first use and again after it was lost.
 */
export class BrokerConnections {
  readonly #connector: Connector
  readonly #open = new Map<string, Promise<Connection>>()
  #closed = false

  constructor(connector: Connector) {
    this.#connector = connector
  }

  /** Rejects with CONNECTION_LOST when the broker cannot be reached or the connection ends before the response. */
  async request<Request, Response>(
    address: Address,
    api: Api<Request, Response>,
    body: Request,
    options?: RequestOptions,
  ): Promise<Response> {
    if (this.#closed) throw new MillraceError('CLOSED', 'The client was closed.')
    const key = `${address.host}:${address.port}`
    let opening = this.#open.get(key)
    if (opening === undefined) {
      opening = this.#connector(address)
      this.#open.set(key, opening)
      const refused = opening
      refused.catch(() => {
        // Not to be asked again for what has failed, as a refused login.
        if (this.#open.get(key) === refused) this.#open.delete(key)
      })
    }
    try {
      const connection = await opening
      return await connection.request(api, body, options)
    } catch (error) {
      if (isConnectionFailure(error) && this.#open.get(key) === opening) {
        this.#open.delete(key)
        await closeOpened(opening)
      }
      throw error
    }
  }

  /** Closes all; requests in flight are rejected. */
  async close(): Promise<void> {
    this.#closed = true
    await this.dropAll()
  }

  /** Closes the open connections, so that the next request opens a fresh one. */
  async dropAll(): Promise<void> {
    const open = [...this.#open.values()]
    this.#open.clear()
    await Promise.all(open.map(closeOpened))
  }
}

async function closeOpened(opening: Promise<Connection>): Promise<void> {
  const [opened] = await Promise.allSettled([opening])
  if (opened.status === 'fulfilled') await opened.value.close()
}
