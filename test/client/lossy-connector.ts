import type { Connector } from '../../src/client/connection.ts'
import { MillraceError } from '../../src/errors.ts'

/**
 * A connector whose connections break on demand after the broker has served a request and before the client gets the
 * answer: `shouldLose` is asked for every request by the name of its API.
 */
export function lossyConnector(
  connector: Connector,
  shouldLose: (api: string) => boolean,
): Connector {
  return async address => {
    const connection = await connector(address)
    let broken = false
    const lost = new MillraceError('CONNECTION_LOST', 'The test cut this connection.')
    return {
      async request(api, body, options) {
        if (broken) throw lost
        const lose = shouldLose(api.name)
        const response = await connection.request(api, body, options)
        if (lose) {
          broken = true
          await connection.close()
        }
        if (broken) throw lost
        return response
      },
      close: () => connection.close(),
    }
  }
}

/** A connector whose requests of one API never get an answer while `isSilent`, as over a network that swallows them. */
export function silencedConnector(
  connector: Connector,
  silenced: string,
  isSilent: () => boolean,
): Connector {
  return async address => {
    const connection = await connector(address)
    const ended = Promise.withResolvers<never>()
    ended.promise.catch(() => undefined)
    return {
      request: (api, body, options) =>
        api.name === silenced && isSilent()
          ? ended.promise
          : connection.request(api, body, options),
      async close() {
        ended.reject(new MillraceError('CONNECTION_LOST', 'The test closed this connection.'))
        await connection.close()
      },
    }
  }
}

/** A connector whose requests wait for `before`, which is told the name of their API. */
export function delayedConnector(
  connector: Connector,
  before: (api: string) => Promise<void>,
): Connector {
  return async address => {
    const connection = await connector(address)
    return {
      async request(api, body, options) {
        await before(api.name)
        return connection.request(api, body, options)
      },
      close: () => connection.close(),
    }
  }
}
