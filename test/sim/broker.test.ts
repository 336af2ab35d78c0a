/**
 * A broker and its clients on simulated machines, under every fault of faults.ts: acknowledged records are there once and
 * in order, an offset never shows two values, neither the high watermark nor a committed offset goes back, and
 * everything comes to its end once the faults are over. More seeds: test/sim/run.ts.
 */
import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { faultKinds } from './faults.ts'
import { History } from './history.ts'
import { problemOf, replayCommand } from './run.ts'

describe('a broker in the simulation', () => {
  test('keeps its promises under faults, and a seed tells the whole story', async () => {
    const faults = new Map<string, number>()
    for (let seed = 1; seed <= 40; seed++) {
      const problem = await problemOf(seed, faults)
      expect(problem, `replay: ${replayCommand(seed)}`).toBeUndefined()
    }
    // A fault that never happened would have proved nothing.
    expect([...faults.keys()].sort()).toEqual([...faultKinds].sort())
  })

  test('is replayed by the command that a failure prints', () => {
    const [npx, node, ...rest] = replayCommand(3).split(' ')
    expect([npx, node]).toEqual(['npx', 'node'])
    const output = execFileSync(process.execPath, rest, { encoding: 'utf8' })
    expect(output).toMatch(/^1 seeds from 3, each twice, without a broken promise\. Faults: \w+/)
  })
})

describe('the history', () => {
  const log = (...values: string[]): { offset: number; value: string }[] =>
    values.map((value, offset) => ({ offset, value }))

  function violationOf(tell: (history: History) => void): string | undefined {
    const history = new History(1)
    history.sent(0, 'p', ['a', 'b', 'c'])
    tell(history)
    return history.violation
  }

  test('has nothing against what may happen', () => {
    const violation = violationOf(history => {
      history.acknowledged(0, 1, ['b'])
      history.consumed(0, 0, log('a'), 'a reader')
      history.endsAnswered([{ topic: 't', partition: 0, offset: 2 }], history.seenEnds())
      history.commitAsked(0, 2)
      history.committedAnswered(0, 2, history.committedFloors())
      history.finish(0, log('a', 'b'))
    })
    expect(violation).toBeUndefined()
  })

  test.each<[string, (history: History) => void]>([
    ['is lost', h => (h.acknowledged(0, 1, ['b']), h.finish(0, log('a')))],
    ['is lost', h => (h.consumed(0, 0, log('a'), 'a reader'), h.finish(0, []))],
    ['shows two values', h => (h.acknowledged(0, 0, ['b']), h.finish(0, log('a')))],
    ['twice', h => h.finish(0, log('a', 'b', 'b'))],
    ['in another order', h => h.finish(0, log('b', 'a'))],
    ['has a gap', h => h.finish(0, log('a', 'c'))],
    ['nobody sent', h => h.finish(0, log('a', 'x'))],
    ['was given offset', h => h.consumed(0, 1, log('a'), 'a reader')],
    [
      'high watermark of 0 went back',
      h => h.endsAnswered([{ topic: 't', partition: 0, offset: 1 }], [2]),
    ],
    ['went back from 2 to 1', h => (h.commitAsked(0, 2), h.committedAnswered(0, 1, [2]))],
    ['nobody committed', h => h.committedAnswered(0, 1, [0])],
  ])('notices: %s', (sentence, tell) => {
    expect(violationOf(tell)).toContain(sentence)
  })
})
