/** One life with several rounds of compaction, and then again for every file operation of a round with a fault just there. */
import { expect, test } from 'vitest'
import type { Operation, OperationKind } from '../../../../src/platform/simulated/operation.ts'
import { systemError } from '../../../../src/platform/simulated/system-error.ts'
import { MillraceError } from '../../../../src/errors.ts'
import { CompactionWorld } from './compaction-world.ts'

type Fault = 'power loss' | 'kill' | 'ENOSPC' | 'EIO'

/** They need no space and leave nothing that a process could be stopped before or after. */
const readingKinds: ReadonlySet<OperationKind> = new Set(['read', 'list', 'size'])

/** The fault comes at the operation with that number among those of the rounds. Returns which one that was, if any. */
async function live(fault: Fault | undefined, at: number): Promise<Operation | undefined> {
  const world = new CompactionWorld(at)
  const { machine } = world
  let operations = 0
  let hit: Operation | undefined
  let isInRound = false
  machine.onOperation = operation => {
    if (!isInRound || fault === undefined || hit !== undefined) return
    if (fault !== 'EIO' && readingKinds.has(operation.kind)) return
    if (operations++ < at) return
    hit = operation
    if (fault === 'power loss') machine.crash()
    else if (fault === 'kill') machine.kill()
    else throw systemError(fault)
  }

  /** A round; after a fault the machine is started again, or the round is done again. */
  async function compact(): Promise<void> {
    isInRound = true
    try {
      await world.compact()
    } catch (error) {
      expect(error).toBeInstanceOf(MillraceError)
    }
    isInRound = false
    if (!machine.isRunning) await world.open()
    world.check()
  }

  await world.open()
  for (let round = 0; round < 2; round++) {
    for (const key of ['a', 'b', 'c']) {
      for (let n = 0; n < 3; n++) {
        const value = n === 2 && key === 'c' ? null : `${round} ${n} ${'x'.repeat(50)}`
        await appendOrReopen(world, key, value)
        await appendOrReopen(world, 'changes', `${n}`)
      }
    }
    await compact()
    await world.pass(40)
    world.check()
  }
  machine.crash()
  await world.open()
  await compact()
  await world.pass(40)
  await appendOrReopen(world, 'end', 'x'.repeat(500))
  await appendOrReopen(world, 'end', 'x'.repeat(500))
  await compact()
  expect(world.records().length).toBeLessThan(world.written.length / 2)
  return hit
}

/** A flush that failed stops the partition; the broker is started again then. */
async function appendOrReopen(
  world: CompactionWorld,
  key: string,
  value: string | null,
): Promise<void> {
  try {
    await world.append([{ key, value }], { once: key === 'b' })
  } catch (error) {
    expect(error).toMatchObject({ code: 'FILE_ERROR' })
    world.machine.kill()
    await world.open()
  }
}

test.each(['power loss', 'kill', 'ENOSPC', 'EIO'] as const)(
  'a round bears this at any file operation: %s',
  async fault => {
    await live(undefined, 0)
    let points = 0
    for (;;) {
      let hit: Operation | undefined
      try {
        hit = await live(fault, points)
      } catch (cause) {
        throw new Error(`${fault} at operation ${points}`, { cause })
      }
      if (hit === undefined) break
      points++
    }
    expect(points).toBeGreaterThan(40)
  },
)
