import { describe, expect, test } from 'vitest'
import { GroupCommit } from '../../../src/broker/log/group-commit.ts'
import { MillraceError } from '../../../src/errors.ts'

/** A commit whose flushes end when the test says so. */
function world(): {
  commit: GroupCommit
  flushes: { finish: () => void; fail: (error: Error) => void }[]
  advances: number[]
  written: { end: number }
} {
  const flushes: { finish: () => void; fail: (error: Error) => void }[] = []
  const advances: number[] = []
  const written = { end: 0 }
  const commit: GroupCommit = new GroupCommit({
    durableEnd: 0,
    flush: () => {
      const { end } = written
      return new Promise((resolve, reject) => {
        flushes.push({ finish: () => resolve(end), fail: reject })
      })
    },
    advanced: () => advances.push(commit.durableEnd),
    failed: cause => new MillraceError('FILE_ERROR', 'The flush failed.', { cause }),
  })
  return { commit, flushes, advances, written }
}

async function settled(): Promise<void> {
  for (let n = 0; n < 10; n++) await Promise.resolve()
}

describe('group commit', () => {
  test('answers everybody who came during a flush with the next one', async () => {
    const { commit, flushes, advances, written } = world()
    const answered: number[] = []
    const wait = async (offset: number): Promise<void> => {
      await commit.durable(offset)
      answered.push(offset)
    }
    written.end = 1
    void wait(1)
    await settled()
    for (written.end = 2; written.end < 9; written.end++) void wait(written.end)
    await settled()
    expect(flushes.length).toBe(1)
    flushes[0]?.finish()
    await settled()
    expect(answered).toEqual([1])
    expect(flushes.length).toBe(2)
    flushes[1]?.finish()
    await settled()
    expect(answered).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(advances).toEqual([1, 9])
    await commit.idle()
    expect(flushes.length).toBe(2)
  })

  test('appends of one turn share the first flush', async () => {
    const { commit, flushes, written } = world()
    for (written.end = 1; written.end < 5; written.end++) commit.request()
    await settled()
    flushes[0]?.finish()
    await commit.idle()
    expect(flushes.length).toBe(1)
    expect(commit.durableEnd).toBe(5)
  })

  test('the first failure is the last flush', async () => {
    const { commit, flushes, written } = world()
    written.end = 1
    const first = commit.durable(1)
    await settled()
    const second = commit.durable(2)
    flushes[0]?.fail(new Error('EIO'))
    await expect(first).rejects.toThrow('The flush failed.')
    await expect(second).rejects.toThrow('The flush failed.')
    commit.request()
    await commit.idle()
    expect(flushes.length).toBe(1)
    expect(commit.failure?.code).toBe('FILE_ERROR')
  })

  test('a truncation sends those away who wait for what was cut', async () => {
    const { commit, flushes, written } = world()
    written.end = 4
    const kept = commit.durable(2)
    const lost = commit.durable(4)
    await settled()
    commit.truncate(2, new MillraceError('LOG_ERROR_RETRIABLE', 'cut'))
    await expect(lost).rejects.toThrow('cut')
    flushes[0]?.finish()
    await expect(kept).resolves.toBeUndefined()
  })
})
