/** The tests of the fuzzer: brokers with a bug must be found out by a few rounds. The bugs are planted from outside. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import type * as Records from '../../src/broker/log/validate-records.ts'
import type * as Frames from '../../src/protocol/frame.ts'
import { WireReader } from '../../src/protocol/wire-reader.ts'
import { fuzzRound } from './fuzz-round.ts'
import { requestPool } from './request-pool.ts'

const planted = vi.hoisted(() => ({ takesAllRecords: false, mixesAnswersUp: false }))

vi.mock('../../src/broker/log/validate-records.ts', async importOriginal => {
  const original = await importOriginal<typeof Records>()
  const validateRecords: typeof Records.validateRecords = (...given) => {
    if (!planted.takesAllRecords) original.validateRecords(...given)
  }
  return { ...original, validateRecords }
})

vi.mock('../../src/protocol/frame.ts', async importOriginal => {
  const original = await importOriginal<typeof Frames>()
  let before = 0
  const encodeResponse: typeof Frames.encodeResponse = (api, version, correlationId, body) => {
    const id = planted.mixesAnswersUp && correlationId % 100 === 0 ? before : correlationId
    before = correlationId
    return original.encodeResponse(api, version, id, body)
  }
  return { ...original, encodeResponse }
})

afterEach(() => {
  planted.takesAllRecords = false
  planted.mixesAnswersUp = false
  vi.restoreAllMocks()
})

const pool = requestPool(1)

async function firstViolation(rounds = 30): Promise<string | undefined> {
  for (let seed = 1; seed <= rounds; seed++) {
    const { violation } = await fuzzRound({ seed, frames: 5_000, pool })
    if (violation !== undefined) return violation
  }
  return undefined
}

describe('a broker with a bug is found out when it', () => {
  test('believes what a frame says about its length', async () => {
    vi.spyOn(WireReader.prototype, 'take').mockImplementation(function (
      this: WireReader,
      length: number,
    ) {
      const { at } = this
      this.at += length
      return at
    })
    expect(await firstViolation()).toMatch(/failed unexpectedly|failed/)
  })

  test('takes records that nobody can decode', async () => {
    planted.takesAllRecords = true
    // Which of them comes first depends on who asks for the log: whoever reads it, or whoever wants its highest timestamp.
    expect(await firstViolation()).toMatch(/A request failed|request failed unexpectedly|damaged/)
  })

  test('answers what another one has asked', async () => {
    planted.mixesAnswersUp = true
    expect(await firstViolation()).toMatch(/which nobody sent|while request/)
  })

  test('and a broker without is not', async () => {
    expect(await firstViolation(2)).toBeUndefined()
  })
})
