/**
 * The tests of the tests: brokers with a bug, each of a kind that has cost somebody's data, must be found out by a few
 * seeds of the simulation. The bugs are planted from outside, in the platform that the broker is given or in an object of
 * its own; the code has no switch for them.
 */
import { afterEach, describe, expect, test, vi } from 'vitest'
import type * as Producers from '../../src/broker/log/producer-state.ts'
import { GroupCommit } from '../../src/broker/log/group-commit.ts'
import type { Files, OpenFile, Platform } from '../../src/platform/platform.ts'
import type * as RecordBatch from '../../src/protocol/record-batch.ts'
import { runBroker } from './broker-world.ts'

const planted = vi.hoisted(() => ({ noChecksums: false, forgetsProducers: false }))

vi.mock('../../src/protocol/record-batch.ts', async importOriginal => {
  const original = await importOriginal<typeof RecordBatch>()
  const checkBatch: typeof RecordBatch.checkBatch = (buffer, at) => {
    const problem = original.checkBatch(buffer, at)
    return planted.noChecksums && problem?.kind === 'crc' ? null : problem
  }
  return { ...original, checkBatch }
})

vi.mock('../../src/broker/log/producer-state.ts', async importOriginal => {
  const original = await importOriginal<typeof Producers>()
  /** Before its first check it is being rebuilt. */
  class ForgetfulState extends original.ProducerState {
    #isServing = !planted.forgetsProducers

    override check(
      ...given: Parameters<Producers.ProducerState['check']>
    ): ReturnType<Producers.ProducerState['check']> {
      this.#isServing = true
      return super.check(...given)
    }

    override update(
      ...given: Parameters<Producers.ProducerState['update']>
    ): ReturnType<Producers.ProducerState['update']> {
      return this.#isServing ? super.update(...given) : undefined
    }

    override restore(entries: readonly Producers.ProducerEntry[]): void {
      if (this.#isServing) super.restore(entries)
    }
  }
  return { ...original, ProducerState: ForgetfulState }
})

afterEach(() => {
  planted.noChecksums = false
  planted.forgetsProducers = false
  vi.restoreAllMocks()
})

type Wrap = (platform: Platform) => Platform

/** The first promise that a broker with this bug breaks, within so many seeds. */
async function firstViolation(wrap: Wrap, seeds = 60): Promise<string | undefined> {
  for (let seed = 1; seed <= seeds; seed++) {
    const { violation } = await runBroker(seed, { wrap })
    if (violation !== undefined) return violation
  }
  return undefined
}

/** A platform with other files. */
function withFiles(change: (files: Files) => Partial<Files>): Wrap {
  return platform => ({ ...platform, files: { ...platform.files, ...change(platform.files) } })
}

/** A platform in which open files of this kind behave differently. */
function withOpenFiles(ending: string, change: (file: OpenFile) => Partial<OpenFile>): Wrap {
  return withFiles(files => ({
    open(path, options) {
      const file = files.open(path, options)
      return path.endsWith(ending) ? { ...file, ...change(file) } : file
    },
  }))
}

/** How the loss of something that was told shows: to readers, to the group, to a producer that goes on, on the disk. */
const loss = /two values|is lost|is not in|went back|a batch before it is missing|is damaged/

const healthy: Wrap = platform => platform

describe('a broker with a bug is found out when it', () => {
  test('acknowledges before the records are on the device', async () => {
    const early = withOpenFiles('.log', file => ({
      sync: () => {
        void file.sync().catch(() => undefined)
        return Promise.resolve()
      },
    }))
    expect(await firstViolation(early)).toMatch(loss)
  })

  test('takes a failed flush for a good one', async () => {
    const deaf = withOpenFiles('.log', file => ({ sync: () => file.sync().catch(() => undefined) }))
    expect(await firstViolation(deaf)).toMatch(loss)
  })

  test('does not cut a torn tail off, because it looks at no checksum', async () => {
    planted.noChecksums = true
    expect(await firstViolation(healthy)).toMatch(loss)
  })

  test('does not sync the folder in which it has made or renamed files', async () => {
    const loose = withFiles(() => ({ syncFolder: () => Promise.resolve() }))
    expect(await firstViolation(loose)).toMatch(/is missing|is lost|went back/)
  })

  test('forgets its producers at a restart', async () => {
    planted.forgetsProducers = true
    expect(await firstViolation(healthy)).toMatch(/twice|two values/)
  })

  test('answers those who wait without a flush', async () => {
    vi.spyOn(GroupCommit.prototype, 'durable').mockImplementation(() => Promise.resolve())
    expect(await firstViolation(healthy)).toMatch(loss)
  })

  test('and a broker without is not', async () => {
    expect(await firstViolation(healthy, 5)).toBeUndefined()
  })
})
