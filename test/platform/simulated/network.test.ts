import { describe, expect, test } from 'vitest'
import type { Platform, Socket } from '../../../src/platform/platform.ts'
import { simulate, type Simulation } from '../../../src/platform/simulated/simulation.ts'

interface Heard {
  readonly chunks: Buffer[]
  readonly closed: (Error | undefined)[]
}

function listenTo(socket: Socket): Heard {
  const heard: Heard = { chunks: [], closed: [] }
  socket.handle({
    data: bytes => void heard.chunks.push(bytes),
    closed: error => void heard.closed.push(error),
  })
  return heard
}

/** A connection from machine `client` to machine `server`. */
async function connection(simulation: Simulation) {
  const [client, server] = [simulation.machine('client'), simulation.machine('server')]
  const accepted: { socket: Socket; heard: Heard }[] = []
  await simulation.run(
    server.platform.sockets.listen({ host: 'server', port: 9 }, socket => {
      accepted.push({ socket, heard: listenTo(socket) })
    }),
  )
  const socket = await simulation.run(client.platform.sockets.connect({ host: 'server', port: 9 }))
  const heard = listenTo(socket)
  await simulation.run(() => accepted.length === 1)
  const [other] = accepted
  if (other === undefined) throw new Error('Nobody was accepted')
  return { client, server, socket, heard, other }
}

describe('sockets between machines', () => {
  test('the name of a machine is its host name, and 127.0.0.1 is the machine itself', async () => {
    const simulation = simulate({ seed: 1 })
    const [a, b] = [simulation.machine('a').platform, simulation.machine('b').platform]
    const reach = (from: Platform, host: string): Promise<string> =>
      simulation.run(
        from.sockets.connect({ host, port: 9 }).then(
          ({ remote }) => `${remote.host}:${remote.port}`,
          error => String(error),
        ),
      )
    await simulation.run(a.sockets.listen({ host: 'a', port: 9 }, listenTo))
    expect(await reach(b, 'a')).toBe('a:9')
    expect(await reach(a, 'a')).toBe('a:9')
    expect(await reach(a, '127.0.0.1')).toContain('ECONNREFUSED')
    expect(await reach(b, 'c')).toContain('ENOTFOUND')
    await simulation.run(b.sockets.listen({ host: '0.0.0.0', port: 9 }, listenTo))
    expect(await reach(a, 'b')).toBe('b:9')
    expect(await reach(b, 'localhost')).toBe('localhost:9')
    await expect(
      simulation.run(a.sockets.listen({ host: 'b', port: 10 }, listenTo)),
    ).rejects.toMatchObject({ code: 'INVALID_CONFIG' })
  })

  test('chunks arrive in order, but split and joined at other places than they were written', async () => {
    let joined = false
    let split = false
    for (let seed = 0; seed < 10; seed++) {
      const simulation = simulate({ seed })
      const { socket, other } = await connection(simulation)
      const sent = Array.from({ length: 50 }, (_, i) => Buffer.alloc(100, i))
      for (const [i, bytes] of sent.entries()) simulation.after(i / 5, () => socket.write(bytes))
      const received = (): Buffer => Buffer.concat(other.heard.chunks)
      await simulation.run(() => received().length === 5000)
      expect(received().equals(Buffer.concat(sent))).toBe(true)
      if (other.heard.chunks.some(chunk => chunk.length > 100)) joined = true
      if (other.heard.chunks.some(chunk => chunk.length < 100)) split = true
    }
    expect([joined, split]).toEqual([true, true])
  })

  test('bytes that change while they are being sent are a bug that shows', async () => {
    const simulation = simulate({ seed: 1 })
    const { socket } = await connection(simulation)
    const bytes = Buffer.alloc(100)
    socket.write(bytes)
    bytes[3] = 1
    await expect(simulation.run(() => false)).rejects.toThrow('Bytes do not change')
  })

  test('a crash breaks the connections of the machine and is told to the peers only', async () => {
    const simulation = simulate({ seed: 1 })
    const { client, server, socket, heard, other } = await connection(simulation)
    server.crash()
    socket.write(Buffer.from('into the void'))
    await simulation.run(() => heard.closed.length > 0)
    expect(heard.closed).toMatchObject([{ code: 'CONNECTION_LOST' }])
    expect(String(heard.closed[0])).toContain('server:9')
    const again = (): Promise<Socket> =>
      client.platform.sockets.connect({ host: 'server', port: 9 })
    await expect(simulation.run(again())).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    const { sockets } = server.restart()
    await simulation.run(sockets.listen({ host: 'server', port: 9 }, listenTo))
    await simulation.run(again())
    expect(other.heard).toEqual({ chunks: [], closed: [] })
    expect(heard.closed).toHaveLength(1)
  })

  test('connections break on demand, once for each end', async () => {
    const simulation = simulate({ seed: 1 })
    const { client, heard, other } = await connection(simulation)
    client.breakConnections()
    let over = false
    simulation.after(100, () => {
      over = true
    })
    await simulation.run(() => over)
    for (const { closed } of [heard, other.heard]) {
      expect(closed).toMatchObject([{ code: 'CONNECTION_LOST' }])
    }
  })

  test('connections break by chance, and what arrived before is a beginning of what was sent', async () => {
    let broken = 0
    for (let seed = 0; seed < 30; seed++) {
      const simulation = simulate({ seed, resetChance: 0.05 })
      const { socket, heard, other } = await connection(simulation)
      const sent = Buffer.from(Array.from({ length: 3000 }, (_, i) => i % 251))
      for (let at = 0; at < sent.length; at += 100) {
        simulation.after(at / 10, () => socket.write(sent.subarray(at, at + 100)))
      }
      simulation.after(400, () => socket.end())
      await simulation.run(() => heard.closed.length > 0 && other.heard.closed.length > 0)
      const received = Buffer.concat(other.heard.chunks)
      expect(received.equals(sent.subarray(0, received.length))).toBe(true)
      if (heard.closed[0] !== undefined) broken += 1
      else expect(received.length).toBe(sent.length)
      expect([heard.closed.length, other.heard.closed.length]).toEqual([1, 1])
    }
    expect(broken).toBeGreaterThan(5)
    expect(broken).toBeLessThan(30)
  })

  test('a listener that closed, or crashed, while somebody was connecting leaves no open connection', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const simulation = simulate({ seed })
      const [client, server] = [simulation.machine('client'), simulation.machine('server')]
      const accepted: Heard[] = []
      const listener = await simulation.run(
        server.platform.sockets.listen({ host: 'server', port: 9 }, socket => {
          accepted.push(listenTo(socket))
        }),
      )
      const outcome = client.platform.sockets
        .connect({ host: 'server', port: 9 })
        .then(socket => listenTo(socket))
        .catch(() => undefined)
      simulation.after(seed / 10, () => (seed % 2 === 0 ? server.crash() : void listener.close()))
      const heard = await simulation.run(outcome)
      if (heard !== undefined && (seed % 2 === 0 || accepted.length === 0)) {
        await simulation.run(() => heard.closed.length === 1)
      }
    }
  })
})
