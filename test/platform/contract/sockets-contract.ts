import { describe, expect, test } from 'vitest'
import type { Address, Platform, Socket } from '../../../src/platform/platform.ts'
import type { InWorld } from '../platform-contract.ts'
import { elapse } from './clock-contract.ts'

export function socketsContract(inWorld: InWorld): void {
  describe('sockets', () => {
    test(
      'what is sent comes back from an echo, byte for byte',
      inWorld(async ({ platform }) => {
        const listener = await platform.sockets.listen(anyPort, socket => {
          socket.handle({ data: bytes => void socket.write(bytes), closed() {} })
        })
        const client = collect(await platform.sockets.connect(listener.address))
        client.socket.write(Buffer.from('hello '))
        client.socket.write(Buffer.from('world'))
        await client.until(() => client.received().length === 11)
        expect(client.received().toString()).toBe('hello world')
        client.socket.end()
        expect(await client.closed).toBeUndefined()
        await listener.close()
      }),
    )

    test(
      'both ends know each other',
      inWorld(async ({ platform }) => {
        const { listener, client, server } = await pair(platform)
        expect(listener.address.host).toBe('127.0.0.1')
        expect(listener.address.port).toBeGreaterThan(0)
        expect(client.socket.remote.port).toBe(listener.address.port)
        expect(client.socket.remote.host).toBe('127.0.0.1')
        expect(server.socket.remote.host).toBe('127.0.0.1')
        expect(server.socket.remote.port).toBeGreaterThan(0)
        client.socket.destroy()
        await server.closed
        await listener.close()
      }),
    )

    test(
      'a large transfer waits for the reader and arrives whole',
      inWorld(async ({ platform }) => {
        const { listener, client, server } = await pair(platform)
        server.socket.pause()
        const block = Buffer.alloc(64 * 1024, 'millrace ')
        const sent: Buffer[] = []
        // Nobody reads, so the system's own buffers fill up, and from then on the queue stays.
        let accepted = true
        do {
          accepted = client.socket.write(block)
          sent.push(block)
          if (!accepted) await elapse(platform.timers, 10)
          expect(sent.length).toBeLessThan(4000)
        } while (client.socket.queuedBytes === 0 || accepted)
        expect(server.received()).toHaveLength(0)
        expect(accepted).toBe(false)
        const drained = new Promise<void>(resolve => {
          client.onDrained = resolve
        })
        server.socket.resume()
        await server.until(() => server.receivedBytes() === sent.length * block.length)
        await drained
        expect(client.socket.queuedBytes).toBe(0)
        expect(server.received().equals(Buffer.concat(sent))).toBe(true)
        client.socket.end()
        await Promise.all([client.closed, server.closed])
        await listener.close()
      }),
    )

    test(
      'a paused socket delivers nothing until it is resumed, whatever its handler does between',
      inWorld(async ({ platform }) => {
        const { listener, client, server } = await pair(platform)
        server.socket.pause()
        client.socket.write(Buffer.from('abc'))
        await elapse(platform.timers, 20)
        expect(server.received()).toHaveLength(0)
        server.onData = () => server.socket.pause()
        server.socket.resume()
        await server.until(() => server.receivedBytes() > 0)
        client.socket.write(Buffer.from('def'))
        await elapse(platform.timers, 20)
        expect(server.receivedBytes()).toBeLessThan(6)
        server.onData = undefined
        server.socket.resume()
        await server.until(() => server.receivedBytes() === 6)
        expect(server.received().toString()).toBe('abcdef')
        server.socket.destroy()
        await client.closed
        await listener.close()
      }),
    )

    test(
      'end sends what is queued, and the peer may still answer before both are closed',
      inWorld(async ({ platform }) => {
        const { listener, client, server } = await pair(platform)
        const answer = Buffer.alloc(300_000, 'answer ')
        server.onData = () => {
          if (server.received().toString() === 'question') server.socket.write(answer)
        }
        client.socket.write(Buffer.from('quest'))
        client.socket.write(Buffer.from('ion'))
        client.socket.end()
        expect(await server.closed).toBeUndefined()
        expect(await client.closed).toBeUndefined()
        expect(server.received().toString()).toBe('question')
        expect(client.received().equals(answer)).toBe(true)
        await listener.close()
      }),
    )

    test(
      'destroy closes both ends, and closed is told once on each',
      inWorld(async ({ platform }) => {
        const { listener, client, server } = await pair(platform)
        client.socket.write(Buffer.alloc(1000))
        client.socket.destroy()
        client.socket.destroy()
        expect(client.timesClosed()).toBe(0)
        expect(await client.closed).toBeUndefined()
        await server.closed
        await elapse(platform.timers, 10)
        expect([client.timesClosed(), server.timesClosed()]).toEqual([1, 1])
        await listener.close()
      }),
    )

    test(
      'destroy with unread bytes breaks the peer or ends it, and is told once',
      inWorld(async ({ platform }) => {
        const { listener, client, server } = await pair(platform)
        server.socket.pause()
        client.socket.write(Buffer.alloc(100_000))
        await elapse(platform.timers, 20)
        server.socket.destroy()
        const error = await client.closed
        if (error !== undefined) expect(error).toMatchObject({ code: 'CONNECTION_LOST' })
        await elapse(platform.timers, 10)
        expect([client.timesClosed(), server.timesClosed()]).toEqual([1, 1])
        await listener.close()
      }),
    )

    test(
      'writing, ending and destroying after the close do nothing',
      inWorld(async ({ platform }) => {
        const { listener, client, server } = await pair(platform)
        client.socket.end()
        client.socket.write(Buffer.from('too late'))
        await Promise.all([client.closed, server.closed])
        expect(client.socket.write(Buffer.from('x'))).toBe(true)
        server.socket.end()
        server.socket.destroy()
        await elapse(platform.timers, 10)
        expect(server.receivedBytes()).toBe(0)
        expect([client.timesClosed(), server.timesClosed()]).toEqual([1, 1])
        await listener.close()
      }),
    )

    test(
      'nobody there: CONNECTION_LOST with the address and what to check',
      inWorld(async ({ platform }) => {
        const listener = await platform.sockets.listen(anyPort, socket => socket.destroy())
        await listener.close()
        const { host, port } = listener.address
        const error: unknown = await platform.sockets.connect({ host, port }).catch(e => e)
        expect(error).toMatchObject({ code: 'CONNECTION_LOST', retriable: true })
        expect(String(error)).toContain(`${host}:${port}`)
        expect(String(error)).toContain('check that the broker is running')
      }),
    )

    test(
      'a taken port: PORT_IN_USE with a sentence, and free again after close, open sockets or not',
      inWorld(async ({ platform }) => {
        const { listener, client, server } = await pair(platform)
        const taken = platform.sockets.listen(listener.address, () => {})
        const error: unknown = await taken.catch(e => e)
        expect(error).toMatchObject({ code: 'PORT_IN_USE' })
        expect(String(error)).toContain(`Port ${listener.address.port}`)
        await listener.close()
        await listener.close()
        const next = await platform.sockets.listen(listener.address, () => {})
        client.socket.write(Buffer.from('still open'))
        await server.until(() => server.receivedBytes() === 10)
        client.socket.end()
        await Promise.all([client.closed, server.closed])
        await next.close()
      }),
    )

    test(
      'an address of another machine: INVALID_CONFIG',
      inWorld(async ({ platform }) => {
        // 192.0.2.0/24 is reserved for documentation: no machine has it.
        const error = await platform.sockets
          .listen({ host: '192.0.2.1', port: 0 }, () => {})
          .catch(e => e)
        expect(error).toMatchObject({ code: 'INVALID_CONFIG' })
        expect(String(error)).toContain('192.0.2.1')
      }),
    )

    test(
      'many connections at once stay apart',
      inWorld(async ({ platform }) => {
        const listener = await platform.sockets.listen(anyPort, socket => {
          socket.handle({ data: bytes => void socket.write(bytes), closed() {} })
        })
        const texts = Array.from({ length: 20 }, (_, i) => `${i} `.repeat(50))
        await Promise.all(
          texts.map(async text => {
            const client = collect(await platform.sockets.connect(listener.address))
            client.socket.write(Buffer.from(text))
            await client.until(() => client.receivedBytes() === text.length)
            expect(client.received().toString()).toBe(text)
            client.socket.end()
            await client.closed
          }),
        )
        await listener.close()
      }),
    )
  })
}

const anyPort: Address = { host: '127.0.0.1', port: 0 }

async function pair(platform: Platform) {
  let accepted: (end: ReturnType<typeof collect>) => void
  const server = new Promise<ReturnType<typeof collect>>(resolve => {
    accepted = resolve
  })
  const listener = await platform.sockets.listen(anyPort, socket => accepted(collect(socket)))
  const client = collect(await platform.sockets.connect(listener.address))
  return { listener, client, server: await server }
}

/** Handles a socket by remembering what it tells. */
function collect(socket: Socket) {
  const chunks: Buffer[] = []
  let bytesReceived = 0
  let timesClosed = 0
  let waiting: { condition: () => boolean; resolve: () => void } | undefined
  let tellClosed: (error: Error | undefined) => void
  const closed = new Promise<Error | undefined>(resolve => {
    tellClosed = resolve
  })
  const end = {
    socket,
    closed,
    onData: undefined as (() => void) | undefined,
    onDrained: undefined as (() => void) | undefined,
    received: () => Buffer.concat(chunks),
    receivedBytes: () => bytesReceived,
    timesClosed: () => timesClosed,
    until(condition: () => boolean): Promise<void> {
      if (condition()) return Promise.resolve()
      return new Promise(resolve => {
        waiting = { condition, resolve }
      })
    },
  }
  socket.handle({
    data(bytes) {
      chunks.push(bytes)
      bytesReceived += bytes.length
      end.onData?.()
      if (waiting?.condition()) waiting.resolve()
    },
    drained: () => end.onDrained?.(),
    closed(error) {
      timesClosed += 1
      tellClosed(error)
    },
  })
  return end
}
