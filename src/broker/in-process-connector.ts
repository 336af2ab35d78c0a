import { MillraceError } from '../errors.ts'
import type { Connection, Connector } from '../client/connection.ts'
import type { Api } from '../protocol/schema.ts'
import type { ApiHandler, RequestContext } from './api/api-handler.ts'
import { handlers } from './api/index.ts'
import type { Broker } from './broker.ts'
import { completeMessage } from './complete-message.ts'
import { knownClient } from './security/authentication.ts'
import { inProcess } from './security/principal.ts'

/**
 * Connections to a broker in the same process. They behave as those over TCP do, without the bytes: versions are chosen
 * from the same table, a connection's requests are served one after another, and closing it gives up what is open.
 */
export function inProcessConnector(broker: Broker): Connector {
  return async () => {
    if (broker.stopping.aborted) throw lost('the broker is closed')
    return inProcessConnection(broker)
  }
}

function inProcessConnection(broker: Broker): Connection {
  const connection = broker.nextConnection()
  const authentication = knownClient(inProcess)
  const ended = new AbortController()
  const stop = (): void => ended.abort()
  broker.stopping.addEventListener('abort', stop)
  // Who waits for an answer when the connection is closed gets none.
  const open = new Set<(error: Error) => void>()
  let closed = false
  let last: Promise<unknown> = Promise.resolve()

  function end(why: string): void {
    closed = true
    broker.stopping.removeEventListener('abort', stop)
    ended.abort()
    for (const reject of open) reject(lost(why))
    open.clear()
  }

  return {
    request<Request, Response>(api: Api<Request, Response>, body: Request): Promise<Response> {
      if (closed) return Promise.reject(lost('the connection is closed'))
      if (broker.stopping.aborted) return Promise.reject(lost('the broker is closed'))
      const handler = handlers.get(api.key)
      const version = commonVersion(api, handler)
      const context: RequestContext = {
        version,
        clientId: 'in-process',
        clientHost: '/in-process',
        connection,
        principal: inProcess,
        authentication,
        listener: '',
        mute: null,
        buffers: null,
        cut: end,
        advertised: { host: 'in-process', port: 0 },
        ended: ended.signal,
      }
      return new Promise((resolve, reject) => {
        open.add(reject)
        const serve = async (): Promise<void> => {
          if (closed) return
          try {
            const response = await handler?.serveObject(broker, body, context)
            resolve(completeMessage(api.response, version, response, 'response'))
          } catch (error) {
            reject(error)
          } finally {
            open.delete(reject)
          }
        }
        last = last.then(serve)
      })
    },
    async close() {
      end('the connection was closed')
    },
  }
}

function commonVersion(api: Api<unknown, unknown>, handler: ApiHandler | undefined): number {
  const version = Math.min(api.maxVersion, handler?.maxVersion ?? -1)
  if (handler !== undefined && version >= api.minVersion && version >= handler.minVersion) {
    return version
  }
  throw new MillraceError(
    'PROTOCOL_ERROR',
    `The embedded broker does not serve ${api.name} in a version from ${api.minVersion} to ${api.maxVersion}.`,
  )
}

function lost(why: string): MillraceError {
  return new MillraceError('CONNECTION_LOST', `The embedded broker does not answer: ${why}.`)
}
