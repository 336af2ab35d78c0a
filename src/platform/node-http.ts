/**
 * HTTP for who watches a process or asks it: health checks, metrics, the stores of an application. It is no part of
 * `Platform`, because nothing in a simulation asks for them.
 */
import http from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { MillraceError } from '../errors.ts'
import { systemCode } from './file-error.ts'
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
  return listen(server, address)
}

/**
 * Answers requests, whose bodies are not read, until it is closed. An answer may take long to make and to send; its request's
 * `signal` is aborted when nobody waits for it any more. What `answer` throws becomes a 500 without details, and `failed` is
 * told. Throws PORT_IN_USE, INVALID_CONFIG.
 */
export async function serveRequests(
  address: Address,
  answer: (request: Request) => Promise<Response>,
  failed: (error: unknown) => void,
): Promise<Listener> {
  const server = http.createServer(
    { requestTimeout: TIMEOUT_MS, headersTimeout: TIMEOUT_MS, keepAliveTimeout: TIMEOUT_MS },
    (incoming, outgoing) => {
      incoming.resume()
      const gone = new AbortController()
      outgoing.on('close', () => gone.abort())
      respond(incoming, outgoing, gone.signal, answer).catch((error: unknown) => {
        if (goneCodes.has(systemCode(error))) return
        failed(error)
        // An answer that was begun is cut off, which its reader sees: it has no end.
        if (outgoing.headersSent) outgoing.destroy()
        else outgoing.writeHead(500).end()
      })
    },
  )
  return listen(server, address)
}

/** Of an answer whose reader has gone away. */
const goneCodes: ReadonlySet<string> = new Set([
  'ERR_STREAM_PREMATURE_CLOSE',
  'ECONNRESET',
  'EPIPE',
])

async function respond(
  incoming: http.IncomingMessage,
  outgoing: http.ServerResponse,
  signal: AbortSignal,
  answer: (request: Request) => Promise<Response>,
): Promise<void> {
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value)
  }
  const url = requestUrl(incoming)
  const method = incoming.method ?? 'GET'
  const response =
    url === null
      ? new Response('The request has no valid path.\n', { status: 400 })
      : await answer(new Request(url, { method, headers, signal }))
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  if (response.body === null || method === 'HEAD') {
    outgoing.end()
    return
  }
  await pipeline(Readable.fromWeb(response.body), outgoing)
}

/** Host and path are what a stranger sends. */
function requestUrl({
  url = '/',
  headers: { host = 'localhost' },
}: http.IncomingMessage): URL | null {
  const text = `http://${host}${url}`
  return URL.canParse(text) ? new URL(text) : null
}

/** Gets an answer from another process. Throws CONNECTION_LOST when there is none in time; `signal` ends it, too. */
export async function getHttp(
  url: URL,
  options: { headers?: Record<string, string>; timeoutMs: number; signal?: AbortSignal },
): Promise<Response> {
  const { headers = {}, timeoutMs, signal } = options
  const timeout = AbortSignal.timeout(timeoutMs)
  const either = signal === undefined ? timeout : AbortSignal.any([timeout, signal])
  try {
    return await fetch(url, { headers, signal: either, redirect: 'error' })
  } catch (cause) {
    throw new MillraceError(
      'CONNECTION_LOST',
      `${url.origin} did not answer within ${timeoutMs} ms. Check that the instance runs and can be reached.`,
      { cause },
    )
  }
}

function listen(server: http.Server, address: Address): Promise<Listener> {
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
