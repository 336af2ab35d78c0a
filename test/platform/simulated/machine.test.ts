import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/platform/simulated/operation.ts'
import { simulate } from '../../../src/platform/simulated/simulation.ts'
import { systemError } from '../../../src/platform/simulated/system-error.ts'

describe('a process that ended', () => {
  test('is never called back: no timer, no sync, no yield, no connection', async () => {
    for (const end of ['crash', 'kill'] as const) {
      const simulation = simulate({ seed: 1 })
      const machine = simulation.machine('m')
      const { timers, files, sockets } = machine.platform
      const calls: string[] = []
      const file = files.open('/a', { create: true })
      timers.schedule(50, () => calls.push('timer'))
      void file.sync().then(() => calls.push('sync'))
      void files.syncFolder('/').then(() => calls.push('syncFolder'))
      void files.replace('/b', Buffer.from('x')).then(() => calls.push('replace'))
      void timers.yield().then(() => calls.push('yield'))
      const address = { host: '127.0.0.1', port: 1 }
      void sockets.listen(address, () => calls.push('accept')).then(() => calls.push('listen'))
      void sockets.connect(address).catch(() => calls.push('connect'))
      machine[end]()
      // What is left of the process may go on asking.
      timers.schedule(1, () => calls.push('late timer'))
      void file.sync().then(() => calls.push('late sync'))
      void sockets.connect(address).catch(() => calls.push('late connect'))
      machine.restart()
      let over = false
      simulation.after(1000, () => {
        over = true
      })
      await simulation.run(() => over)
      expect(calls).toEqual([])
    }
  })

  test('runs on to the end of its stack and leaves no mark', async () => {
    const simulation = simulate({ seed: 1 })
    const machine = simulation.machine('m')
    const { files, timers } = machine.platform
    files.makeFolder('/data')
    await simulation.run(files.syncFolder('/'))
    machine.onOperation = ({ kind }) => {
      if (kind === 'write') machine.crash()
    }
    let sizeSeen = 0
    timers.schedule(1, () => {
      const file = files.open('/data/a', { create: true })
      file.write(Buffer.from('abc'), 0)
      file.write(Buffer.from('def'), 3)
      files.makeFolder('/data/later')
      sizeSeen = file.size()
    })
    await simulation.run(() => !machine.isRunning)
    expect(sizeSeen).toBe(6)
    const lines = simulation.trace.length
    const found = machine.restart().files
    expect(found.list('/data').filter(name => name !== 'a')).toEqual([])
    expect(found.read('/data/a')?.toString() ?? '').toBe('')
    expect(simulation.trace.lines[lines - 1]).toContain('m: crash')
  })

  test('releases its folders', () => {
    for (const end of ['crash', 'kill'] as const) {
      const machine = simulate({ seed: 1 }).machine('m')
      machine.platform.files.makeFolder('/data')
      machine.platform.files.lock('/data')
      machine[end]()
      const { files } = machine.restart()
      files.makeFolder('/data')
      files.lock('/data')
      expect(() => files.lock('/data')).toThrow(expect.objectContaining({ code: 'FOLDER_LOCKED' }))
    }
  })

  test('loses nothing that was written when it was killed, and a later power loss may still take it', async () => {
    const simulation = simulate({ seed: 3 })
    const machine = simulation.machine('m')
    const bootId = machine.platform.clock.bootId
    const old = machine.platform.files.open('/a', { create: true })
    old.write(Buffer.from('abc'), 0)
    machine.kill()
    old.write(Buffer.from('ghost'), 0)
    const { clock, files } = machine.restart()
    expect(clock.bootId).toBe(bootId)
    expect(files.read('/a')?.toString()).toBe('abc')
    const lost = Array.from({ length: 20 }, (_, seed) => {
      const other = simulate({ seed }).machine('m')
      other.platform.files.open('/a', { create: true }).write(Buffer.from('abc'), 0)
      other.kill()
      other.restart()
      other.crash()
      return other.restart().files.read('/a')?.toString() !== 'abc'
    })
    expect(new Set(lost)).toEqual(new Set([true, false]))
  })

  test('a power loss begins another boot', () => {
    const machine = simulate({ seed: 1 }).machine('m')
    const { bootId } = machine.platform.clock
    machine.crash()
    expect(machine.restart().clock.bootId).not.toBe(bootId)
    expect(machine.isRunning).toBe(true)
  })
})

describe('operations on files', () => {
  test('are counted and told, with their kind and path, before they take place', async () => {
    const simulation = simulate({ seed: 1 })
    const machine = simulation.machine('m')
    const { files } = machine.platform
    const told: Operation[] = []
    machine.onOperation = operation => void told.push(operation)
    files.makeFolder('/x')
    const file = files.open('/x/a', { create: true })
    file.write(Buffer.from('abc'), 0)
    file.read(Buffer.alloc(1), 0, 1, 0)
    await simulation.run(file.sync())
    await simulation.run(files.replace('/x/b', Buffer.from('x')))
    expect(told.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      'makeFolder /x',
      'open /x/a',
      'write /x/a',
      'read /x/a',
      'sync /x/a',
      'open /x/b.tmp',
      'truncate /x/b.tmp',
      'write /x/b.tmp',
      'sync /x/b.tmp',
      'rename /x/b.tmp',
      'syncFolder /x',
    ])
    expect(told.map(({ number }) => number)).toEqual(told.map((_, i) => i + 1))
    expect(machine.operations).toBe(told.length)
  })

  test('fail as FILE_ERROR with the injected cause, each kind of them, and work again afterwards', async () => {
    const simulation = simulate({ seed: 1 })
    const machine = simulation.machine('m')
    const { files } = machine.platform
    files.makeFolder('/x')
    const file = files.open('/x/a', { create: true })
    const calls: (() => unknown)[] = [
      () => files.open('/x/a'),
      () => files.read('/x/a'),
      () => files.list('/x'),
      () => files.size('/x/a'),
      () => files.makeFolder('/y'),
      () => files.rename('/x/a', '/x/a'),
      () => files.remove('/x/b'),
      () => files.lock('/x'),
      () => files.syncFolder('/x'),
      () => file.size(),
      () => file.write(Buffer.from('x'), 0),
      () => file.writev([Buffer.from('x')], 0),
      () => file.read(Buffer.alloc(1), 0, 1, 0),
      () => file.truncate(1),
      () => file.sync(),
    ]
    machine.onOperation = () => {
      throw systemError('EIO')
    }
    for (const call of calls) {
      const failed = simulation.run((async () => call())())
      await expect(failed, String(call)).rejects.toMatchObject({
        code: 'FILE_ERROR',
        message: expect.stringContaining('EIO'),
        cause: { code: 'EIO' },
      })
    }
    machine.onOperation = undefined
    for (const call of calls) await simulation.run((async () => call())())
  })

  test('a write that finds the disk full may have written a part of its bytes', () => {
    const sizes = new Set<number>()
    for (let seed = 0; seed < 20; seed++) {
      const machine = simulate({ seed }).machine('m')
      const file = machine.platform.files.open('/a', { create: true })
      machine.onOperation = ({ kind }) => {
        if (kind === 'write') throw systemError('ENOSPC')
      }
      expect(() => file.write(Buffer.alloc(10, 'x'), 0)).toThrow('The disk is full')
      sizes.add(file.size())
      expect(file.size()).toBeLessThan(10)
    }
    expect(sizes.size).toBeGreaterThan(3)
  })
})
