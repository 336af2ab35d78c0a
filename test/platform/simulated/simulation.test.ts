import { describe, expect, test } from 'vitest'
import { simulate, type Simulation } from '../../../src/platform/simulated/simulation.ts'

/** Two machines, files, sockets, random numbers and a crash in the middle. */
async function scenario(seed: number): Promise<Simulation> {
  const simulation = simulate({ seed, resetChance: 0.05 })
  const server = simulation.machine('server')
  const client = simulation.machine('client')

  const serve = async (): Promise<void> => {
    const { files, sockets } = server.platform
    files.makeFolder('/log')
    const file = files.open('/log/all', { create: true })
    await files.syncFolder('/')
    await files.syncFolder('/log')
    await sockets.listen({ host: '0.0.0.0', port: 9092 }, socket => {
      socket.handle({
        data(bytes) {
          file.write(bytes, file.size())
          void file.sync().then(() => socket.write(bytes))
        },
        closed() {},
      })
    })
  }

  let answered = 0
  const ask = async (): Promise<void> => {
    const { sockets, timers, random } = client.platform
    for (;;) {
      try {
        const socket = await sockets.connect({ host: 'server', port: 9092 })
        await new Promise<void>(resolve => {
          socket.handle({
            data(bytes) {
              answered += bytes.length
              socket.write(random.bytes(1 + (random.uint32() % 2000)))
            },
            closed: () => resolve(),
          })
          socket.write(random.bytes(100))
        })
      } catch (error) {
        simulation.note(String(error))
      }
      await new Promise<void>(resolve => timers.schedule(10, resolve))
    }
  }

  void serve()
  void ask()
  simulation.after(500, () => {
    server.crash()
    simulation.after(100, () => {
      server.restart()
      simulation.note(`found ${server.platform.files.size('/log/all')}`)
      void serve()
    })
  })
  await simulation.run(() => simulation.nowMs > 1000 && answered > 0)
  return simulation
}

describe('one seed, one course of events', () => {
  test('two runs from one seed have the same trace, line by line', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const [one, other] = [await scenario(seed), await scenario(seed)]
      expect(one.trace.length).toBeGreaterThan(100)
      expect(other.trace.lines).toEqual(one.trace.lines)
      expect(other.trace.hash).toBe(one.trace.hash)
    }
  })

  test('two seeds differ', async () => {
    const hashes = new Set<string>()
    for (let seed = 1; seed <= 10; seed++) hashes.add((await scenario(seed)).trace.hash)
    expect(hashes.size).toBe(10)
  })

  test('real time that passes between changes nothing', async () => {
    const calm = await scenario(4)
    const busy = scenario(4)
    for (let i = 0; i < 50; i++) await new Promise(resolve => setImmediate(resolve))
    await scenario(5)
    expect((await busy).trace.hash).toBe(calm.trace.hash)
  })

  test('the hash depends on every note and on their order', async () => {
    const hashOf = (...notes: string[]): string => {
      const simulation = simulate({ seed: 1 })
      for (const note of notes) simulation.note(note)
      return simulation.trace.hash
    }
    const hashes = [hashOf('a', 'b'), hashOf('b', 'a'), hashOf('a', 'c'), hashOf('ab'), hashOf('a')]
    expect(new Set(hashes).size).toBe(5)
    expect(hashOf('a', 'b')).toBe(hashes[0])
  })
})

describe('virtual time', () => {
  test('hours pass as soon as nothing else is to do', async () => {
    const simulation = simulate({ seed: 1, startMs: Date.UTC(2024, 5, 1) })
    const { clock, timers } = simulation.machine('a').platform
    await simulation.run(new Promise<void>(resolve => timers.schedule(20 * 3_600_000, resolve)))
    expect(simulation.nowMs).toBe(20 * 3_600_000)
    expect(clock.now()).toBe(Date.UTC(2024, 5, 1, 20))
  })

  test('the wall clock of one machine can be set without touching the monotonic one', () => {
    const simulation = simulate({ seed: 1 })
    const [a, b] = [simulation.machine('a'), simulation.machine('b')]
    const before = a.platform.clock.monotonic()
    a.stepClock(-60_000)
    expect(a.platform.clock.now()).toBe(b.platform.clock.now() - 60_000)
    expect(a.platform.clock.monotonic()).toBeGreaterThan(before)
  })

  test('events of one time happen in the order in which they were asked for, across machines', async () => {
    const simulation = simulate({ seed: 1 })
    const happened: string[] = []
    for (const name of ['b', 'a', 'c']) {
      simulation.machine(name).platform.timers.schedule(5, () => happened.push(name))
    }
    await simulation.run(() => happened.length === 3)
    expect(happened).toEqual(['b', 'a', 'c'])
  })

  test('all promises settle before the next event, however long their chain', async () => {
    const simulation = simulate({ seed: 1 })
    const { timers } = simulation.machine('a').platform
    const happened: string[] = []
    const chain = async (): Promise<void> => {
      for (let i = 0; i < 1000; i++) await Promise.resolve()
      happened.push('end of the chain')
    }
    timers.schedule(1, () => void chain())
    timers.schedule(1, () => happened.push('next event'))
    await simulation.run(() => happened.length === 2)
    expect(happened).toEqual(['end of the chain', 'next event'])
  })
})

describe('run', () => {
  test('gives the value of the promise, or its failure', async () => {
    const simulation = simulate({ seed: 1 })
    const { timers } = simulation.machine('a').platform
    const later = (): Promise<void> => new Promise(resolve => timers.schedule(1, resolve))
    expect(await simulation.run(later().then(() => 42))).toBe(42)
    const failing = later().then(() => {
      throw new Error('refused')
    })
    await expect(simulation.run(failing)).rejects.toThrow('refused')
  })

  test('throws what an event throws', async () => {
    const simulation = simulate({ seed: 1 })
    simulation.machine('a').platform.timers.schedule(1, () => {
      throw new Error('a bug')
    })
    await expect(simulation.run(() => false)).rejects.toThrow('a bug')
  })

  test('says that nothing is left to do, with the seed, the time and the latest events', async () => {
    const simulation = simulate({ seed: 77 })
    const { timers } = simulation.machine('a').platform
    timers.schedule(3, () => simulation.note('the last thing'))
    await expect(simulation.run(new Promise(() => {}))).rejects.toThrow(
      'Nothing is left that could happen, and what the run waits for has not happened ' +
        '(seed 77, virtual time 3.000 ms). The latest events:\n  3.000 note: the last thing',
    )
  })

  test('says that the virtual time is over when events never end', async () => {
    const simulation = simulate({ seed: 77 })
    const { timers } = simulation.machine('a').platform
    const tick = (): void => void timers.schedule(10, tick)
    tick()
    const endless = simulation.run(new Promise(() => {}), { maxVirtualMs: 1000 })
    await expect(endless).rejects.toThrow(
      'What the run waits for has not happened within 1000 virtual ms (seed 77',
    )
    await expect(simulation.run(() => simulation.nowMs > 1500)).resolves.toBeUndefined()
  })
})
