/**
 * HTTP for who watches a process: health checks and metrics. It is no part of `Platform`, because nothing in a simulation
 * asks for them.
 */
import http from 'node:http'
import type { Address, Listener } from './platform.ts'
import { listenError } from './socket-error.ts'

export interface HttpAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** Longest that a request may take to come in, and an idle connection may stay. */
const TIMEOUT_MS = 10_000

/**
 * Answers GET and HEAD requests for paths that `answer` knows (undefined: 404) until it is closed. What `answer` throws
 * becomes a 500 without details, and `failed` is told. Throws PORT_IN_USE, INVALID_CONFIG.
 */
export async function serveHttp(
  address: Address,
  answer: (path: string) => Promise<HttpAnswer | undefined>,
  failed: (error: unknown) => void,
): Promise<Listener> {
  const server = http.createServer(
    { requestTimeout: TIMEOUT_MS, headersTimeout: TIMEOUT_MS, keepAliveTimeout: TIMEOUT_MS },
    (request, response) => {
      // Nobody has anything to send here; what comes all the same is dropped.
      request.resume()
      const send = ({ status, contentType, body }: HttpAnswer): void => {
        response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' })
        response.end(request.method === 'HEAD' ? undefined : body)
      }
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        return send(text(405, 'Only GET and HEAD are served here.'))
      }
      const path = request.url?.split('?', 1)[0] ?? '/'
      answer(path).then(
        found => send(found ?? text(404, 'There is nothing here.')),
        (error: unknown) => {
          failed(error)
          send(text(500, 'The request failed; the log says why.'))
        },
      )
    },
  )
  server.maxConnections = 100
  return new Promise((resolve, reject) => {
    server.once('error', error => reject(listenError(address, error)))
    server.listen({ host: address.host, port: address.port }, () => {
      server.removeAllListeners('error')
      // As with sockets: what fails now is one connection that never came to be.
      server.on('error', () => {})
      const bound = server.address()
      const port = typeof bound === 'object' && bound !== null ? bound.port : address.port
      resolve({
        address: { host: address.host, port },
        async close() {
          server.close()
          server.closeAllConnections()
        },
      })
    })
  })
}

/** An answer of one sentence or several lines. */
export function text(status: number, sentence: string): HttpAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${sentence}\n` }
}
