import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { simulate } from '../../../src/platform/simulated/simulation.ts'
import { systemError } from '../../../src/platform/simulated/system-error.ts'

/** Writes on `/a` after a durable beginning, then cuts the power; gives what is found. */
async function afterCrash(seed: number, durable: Buffer, unsynced: Buffer): Promise<Buffer> {
  const simulation = simulate({ seed })
  const machine = simulation.machine('m')
  const { files } = machine.platform
  const file = files.open('/a', { create: true })
  file.write(durable, 0)
  await simulation.run(Promise.all([file.sync(), files.syncFolder('/')]))
  file.write(unsynced, 0)
  machine.crash()
  const found = machine.restart().files.read('/a')
  if (found === undefined) throw new Error('The file was durable')
  return found
}

describe('what a power loss leaves of a file', () => {
  test('unsynced sectors are lost, kept or torn apart, and each sector is old or new', async () => {
    const fates = { lost: 0, kept: 0, torn: 0 }
    for (let seed = 0; seed < 60; seed++) {
      const found = await afterCrash(seed, Buffer.alloc(512 * 40, 'o'), Buffer.alloc(512 * 40, 'n'))
      expect(found.length).toBe(512 * 40)
      let renewed = 0
      for (let at = 0; at < found.length; at += 512) {
        const sector = found.toString('latin1', at, at + 512)
        expect([`o`.repeat(512), `n`.repeat(512)]).toContain(sector)
        if (sector.startsWith('n')) renewed += 1
      }
      fates[renewed === 0 ? 'lost' : renewed === 40 ? 'kept' : 'torn'] += 1
    }
    expect(fates.lost).toBeGreaterThan(5)
    expect(fates.kept).toBeGreaterThan(5)
    expect(fates.torn).toBeGreaterThan(5)
  })

  test('an appended tail may be shorter than written or have holes of zeros', async () => {
    let shorter = 0
    let holes = 0
    for (let seed = 0; seed < 60; seed++) {
      const found = await afterCrash(seed, Buffer.alloc(100, 'o'), Buffer.alloc(5000, 'n'))
      expect([100, 5000]).toContain(found.length)
      if (found.length < 5000) shorter += 1
      if (found.includes(0)) holes += 1
    }
    expect(shorter).toBeGreaterThan(5)
    expect(holes).toBeGreaterThan(5)
  })

  test('what was synced is never lost, and nothing is found that was never written', async () => {
    const write = fc.record({
      kind: fc.constant('write' as const),
      position: fc.nat(2000),
      length: fc.integer({ min: 0, max: 1200 }),
    })
    const change = fc.oneof(
      { weight: 8, arbitrary: write },
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant('truncate' as const), size: fc.nat(2500) }),
      },
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constant('sync' as const), wait: fc.boolean() }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.array(change, { maxLength: 40 }), async (seed, changes) => {
        const simulation = simulate({ seed })
        const machine = simulation.machine('m')
        let file = machine.platform.files.open('/a', { create: true })
        await simulation.run(machine.platform.files.syncFolder('/'))
        // Every content that the file has had since the call of the last finished sync.
        let possible: Buffer[] = [Buffer.alloc(0)]
        let letter = 0
        for (const step of [...changes, { kind: 'crash' as const }]) {
          const now = possible.at(-1) ?? Buffer.alloc(0)
          if (step.kind === 'write') {
            const bytes = Buffer.alloc(step.length, 1 + (letter++ % 255))
            file.write(bytes, step.position)
            if (step.length > 0) {
              const next = resized(now, Math.max(now.length, step.position + step.length))
              bytes.copy(next, step.position)
              possible.push(next)
            }
          } else if (step.kind === 'truncate') {
            file.truncate(step.size)
            possible.push(resized(now, step.size))
          } else if (step.kind === 'sync') {
            const covered = possible.length - 1
            const synced = file.sync()
            if (step.wait) {
              await simulation.run(synced)
              possible = possible.slice(covered)
            }
          } else {
            machine.crash()
            const { files } = machine.restart()
            const found = files.read('/a')
            if (found === undefined) throw new Error('The folder was synced')
            expect(possible.map(content => content.length)).toContain(found.length)
            for (const [i, byte] of found.entries()) {
              if (!possible.some(content => (content[i] ?? 0) === byte)) {
                throw new Error(`Byte ${i} is ${byte}, which it never was since the last sync`)
              }
            }
            possible = [found]
            file = files.open('/a')
          }
          expect(file.size()).toBe(possible.at(-1)?.length)
        }
      }),
      { numRuns: 400 },
    )
  })

  test('what was written after a restart may be lost in the next crash', async () => {
    const found = new Set<string | undefined>()
    for (let seed = 0; seed < 40; seed++) {
      const simulation = simulate({ seed })
      const machine = simulation.machine('m')
      const first = machine.platform.files.open('/a', { create: true })
      first.write(Buffer.from('first'), 0)
      await simulation.run(Promise.all([first.sync(), machine.platform.files.syncFolder('/')]))
      machine.crash()
      machine.restart().files.open('/a').write(Buffer.from('again'), 0)
      machine.crash()
      found.add(machine.restart().files.read('/a')?.toString())
    }
    expect(found).toEqual(new Set(['first', 'again']))
  })

  test('a sync covers what was written before its call only', async () => {
    let lost = 0
    for (let seed = 0; seed < 40; seed++) {
      const simulation = simulate({ seed })
      const machine = simulation.machine('m')
      const file = machine.platform.files.open('/a', { create: true })
      await simulation.run(machine.platform.files.syncFolder('/'))
      file.write(Buffer.from('1'), 0)
      const synced = file.sync()
      file.write(Buffer.from('2'), 1)
      await simulation.run(synced)
      machine.crash()
      const found = machine.restart().files.read('/a')?.toString()
      expect(['1', '12', '1\0']).toContain(found)
      if (found !== '12') lost += 1
    }
    expect(lost).toBeGreaterThan(5)
  })

  test('after a failed sync a later one does not bring back what is missing', async () => {
    let missing = 0
    for (let seed = 0; seed < 40; seed++) {
      const simulation = simulate({ seed })
      const machine = simulation.machine('m')
      const file = machine.platform.files.open('/a', { create: true })
      await simulation.run(machine.platform.files.syncFolder('/'))
      file.write(Buffer.alloc(512, 'x'), 0)
      machine.onOperation = ({ kind }) => {
        if (kind === 'sync') throw systemError('EIO')
      }
      await expect(simulation.run(file.sync())).rejects.toMatchObject({
        code: 'FILE_ERROR',
        cause: { code: 'EIO' },
      })
      machine.onOperation = undefined
      await simulation.run(file.sync())
      machine.crash()
      if (machine.restart().files.read('/a')?.toString() !== 'x'.repeat(512)) missing += 1
    }
    expect(missing).toBeGreaterThan(5)
    expect(missing).toBeLessThan(40)
  })
})

describe('what a power loss leaves of folders', () => {
  test('entries of a synced folder stay, later changes may be undone, and no file has two names', async () => {
    const name = fc.constantFrom('/a', '/b', '/x/a', '/x/b')
    const change = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('create' as const), name }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('rename' as const), name, to: name }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), name }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('sync' as const) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
    )
    const names = ['/a', '/b', '/x/a', '/x/b']
    let undone = 0
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.array(change, { maxLength: 25 }), async (seed, changes) => {
        const simulation = simulate({ seed })
        const machine = simulation.machine('m')
        let { files } = machine.platform
        files.makeFolder('/x')
        await simulation.run(files.syncFolder('/'))
        // What stands under each name: every content since the last sync of the folders.
        const possible = new Map<string, (string | undefined)[]>(names.map(n => [n, [undefined]]))
        const now = (path: string): string | undefined => possible.get(path)?.at(-1)
        const becomes = (path: string, content: string | undefined): void =>
          void possible.get(path)?.push(content)
        let created = 0
        for (const step of [...changes, { kind: 'crash' as const }]) {
          if (step.kind === 'create') {
            const file = files.open(step.name, { create: true })
            const content = `${created++}`
            file.truncate(0)
            file.write(Buffer.from(content), 0)
            await simulation.run(file.sync())
            file.close()
            // A file that was there is the same file with another content: durable under whatever name it has.
            const before = now(step.name)
            for (const [path, contents] of possible) {
              const renamed = contents.map(c => (c !== undefined && c === before ? content : c))
              possible.set(path, renamed)
            }
            if (before === undefined) becomes(step.name, content)
          } else if (step.kind === 'rename') {
            if (now(step.name) === undefined || step.name === step.to) continue
            files.rename(step.name, step.to)
            becomes(step.to, now(step.name))
            becomes(step.name, undefined)
          } else if (step.kind === 'remove') {
            files.remove(step.name)
            if (now(step.name) !== undefined) becomes(step.name, undefined)
          } else if (step.kind === 'sync') {
            await simulation.run(Promise.all([files.syncFolder('/'), files.syncFolder('/x')]))
            for (const path of names) possible.set(path, [now(path)])
          } else {
            machine.crash()
            files = machine.restart().files
            const found: string[] = []
            for (const path of names) {
              const content = files.read(path)?.toString()
              expect(possible.get(path)).toContain(content)
              if (content !== now(path)) undone += 1
              if (content !== undefined) found.push(content)
              possible.set(path, [content])
            }
            expect(new Set(found).size).toBe(found.length)
          }
        }
      }),
      { numRuns: 400 },
    )
    expect(undone).toBeGreaterThan(20)
  })

  test('a file that was renamed twice has one of its three names', async () => {
    const found = new Set<string>()
    for (let seed = 0; seed < 40; seed++) {
      const simulation = simulate({ seed })
      const machine = simulation.machine('m')
      const { files } = machine.platform
      files.open('/a', { create: true }).close()
      await simulation.run(files.syncFolder('/'))
      files.rename('/a', '/b')
      files.rename('/b', '/c')
      machine.crash()
      found.add(machine.restart().files.list('/').join(' '))
    }
    expect(found).toEqual(new Set(['a', 'b', 'c']))
  })

  test('syncFolder covers what changed before its call only', async () => {
    const found = new Set<string>()
    for (let seed = 0; seed < 40; seed++) {
      const simulation = simulate({ seed })
      const machine = simulation.machine('m')
      const { files } = machine.platform
      files.open('/a', { create: true }).close()
      const synced = files.syncFolder('/')
      files.open('/b', { create: true }).close()
      await simulation.run(synced)
      machine.crash()
      found.add(machine.restart().files.list('/').join(' '))
    }
    expect(found).toEqual(new Set(['a', 'a b']))
  })

  test('a file that was synced in a folder that was not may be gone', async () => {
    let gone = 0
    for (let seed = 0; seed < 40; seed++) {
      const simulation = simulate({ seed })
      const machine = simulation.machine('m')
      const file = machine.platform.files.open('/a', { create: true })
      file.write(Buffer.from('x'), 0)
      await simulation.run(file.sync())
      machine.crash()
      const found = machine.restart().files.read('/a')?.toString()
      expect([undefined, 'x']).toContain(found)
      if (found === undefined) gone += 1
    }
    expect(gone).toBeGreaterThan(5)
    expect(gone).toBeLessThan(35)
  })

  test('replace leaves the old or the new content, wherever the power is lost', async () => {
    const outcomes = new Set<string | undefined>()
    for (let seed = 0; seed < 5; seed++) {
      for (let crashAt = 1; ; crashAt++) {
        const simulation = simulate({ seed })
        const machine = simulation.machine('m')
        const { files } = machine.platform
        await simulation.run(files.replace('/checkpoint', Buffer.alloc(2000, 'o')))
        const before = machine.operations
        machine.onOperation = ({ number }) => {
          if (number === before + crashAt) machine.crash()
        }
        let finished = false
        const replace = async (): Promise<void> => {
          await files.replace('/checkpoint', Buffer.alloc(3000, 'n'))
          finished = true
        }
        void replace()
        await simulation.run(() => finished || !machine.isRunning)
        if (machine.isRunning) machine.crash()
        machine.onOperation = undefined
        const found = machine.restart().files.read('/checkpoint')?.toString()
        expect(['o'.repeat(2000), 'n'.repeat(3000)]).toContain(found)
        outcomes.add(found)
        if (finished) {
          expect(found).toBe('n'.repeat(3000))
          // Open, truncate, write, sync, rename, sync of the folder.
          expect(crashAt).toBe(7)
          break
        }
      }
    }
    expect(outcomes.size).toBe(2)
  })
})

function resized(content: Buffer, size: number): Buffer {
  const next = Buffer.alloc(size)
  content.copy(next, 0, 0, Math.min(size, content.length))
  return next
}
