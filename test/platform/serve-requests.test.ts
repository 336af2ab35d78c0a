import { expect, test } from 'vitest'

import { getHttp, serveRequests } from '../../src/platform/node-http.ts'

const address = { host: '127.0.0.1', port: 0 }

async function serve(answer: (request: Request) => Promise<Response>) {
  const failures: unknown[] = []
  const listener = await serveRequests(address, answer, error => failures.push(error))
  const url = new URL(`http://127.0.0.1:${listener.address.port}/a?b=c`)
  return { url, failures, [Symbol.asyncDispose]: () => listener.close() }
}

async function* endless(onEnd: () => void): AsyncIterable<Uint8Array> {
  try {
    for (;;) yield Buffer.alloc(64 * 1024)
  } finally {
    onEnd()
  }
}

test('a request comes with its path and headers, an answer with its status and body', async () => {
  await using server = await serve(async ({ url, method, headers }) =>
    Response.json([method, new URL(url).search, headers.get('x-some')], { status: 202 }),
  )
  const response = await getHttp(server.url, { timeoutMs: 5000, headers: { 'x-some': 'thing' } })
  expect(response.status).toBe(202)
  expect(await response.json()).toEqual(['GET', '?b=c', 'thing'])
  const head = await fetch(server.url, { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([202, ''])
})

test('when the reader goes away an answer ends, and what it read from is closed', async () => {
  const ended = Promise.withResolvers<void>()
  await using server = await serve(async request => {
    request.signal.addEventListener('abort', () => {})
    return new Response(ReadableStream.from(endless(ended.resolve)))
  })
  const gone = new AbortController()
  const response = await getHttp(server.url, { timeoutMs: 5000, signal: gone.signal })
  const reader = response.body?.getReader()
  expect((await reader?.read())?.value?.length).toBeGreaterThan(0)
  gone.abort()
  await ended.promise
  expect(server.failures).toEqual([])
})

test('what fails is a 500 without details, or an answer without an end', async () => {
  await using server = await serve(async request => {
    if (request.headers.has('x-begin')) {
      async function* broken(): AsyncIterable<Uint8Array> {
        yield Buffer.from('begun')
        throw new Error('secret')
      }
      return new Response(ReadableStream.from(broken()))
    }
    throw new Error('secret')
  })
  const response = await getHttp(server.url, { timeoutMs: 5000 })
  expect([response.status, await response.text()]).toEqual([500, ''])
  const begun = await getHttp(server.url, { timeoutMs: 5000, headers: { 'x-begin': 'yes' } })
  await expect(begun.text()).rejects.toThrow()
  expect(server.failures).toHaveLength(2)
})

test('who does not answer is as good as gone', async () => {
  await using server = await serve(() => new Promise(() => {}))
  await expect(getHttp(server.url, { timeoutMs: 20 })).rejects.toMatchObject({
    code: 'CONNECTION_LOST',
  })
})
