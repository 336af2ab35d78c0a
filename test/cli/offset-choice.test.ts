import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import {
  addOffsetOptions,
  chosenOffset,
  type OffsetChoice,
  offsetChoice,
  type OffsetOptions,
} from '../../src/cli/offset-choice.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-offsets-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = join(folder, 'offsets.csv')

const now = Date.UTC(2026, 10, 25, 12)

function choice(...flags: string[]): OffsetChoice {
  const command = addOffsetOptions(new Command().exitOverride())
  command.configureOutput({ writeErr: () => {} }).parse(flags, { from: 'user' })
  return offsetChoice(command.opts<OffsetOptions>(), now, nodePlatform().files)
}

describe('flags', () => {
  test.each<[string[], OffsetChoice]>([
    [[], { kind: 'earliest' }],
    [['--to-earliest'], { kind: 'earliest' }],
    [['--to-latest'], { kind: 'latest' }],
    [['--to-offset', '7'], { kind: 'offset', offset: 7 }],
    [['--to-datetime', '2026-11-25T10:00'], { kind: 'time', timestampMs: now - 7_200_000 }],
    [['--to-datetime', '2026-11-25T10:00+02:00'], { kind: 'time', timestampMs: now - 14_400_000 }],
    [['--by-duration', 'P1DT1H'], { kind: 'time', timestampMs: now - 25 * 3_600_000 }],
    [['--shift-by', '-10'], { kind: 'shift', by: -10 }],
  ])('%j', (flags, expected) => {
    expect(choice(...flags)).toEqual(expected)
  })

  test.each([
    [['--to-offset', '-1'], /at least 0/],
    [['--to-offset', '1.5'], /whole number/],
    [['--shift-by', 'x'], /whole number/],
    [['--to-datetime', 'yesterday'], /is written as in/],
    [['--by-duration', '7 days'], /is written as in P7D/],
    [['--to-latest', '--to-earliest'], /cannot be used with/],
    [['--from-file', 'no/such.csv'], /no\/such\.csv\. Check --from-file/],
  ])('%j is refused', (flags, message) => {
    expect(() => choice(...flags)).toThrow(message)
  })

  test('a file', () => {
    writeFileSync(path, 'flights,0,120\n"my-topic",1,0\r\n\n')
    const offsets = new Map([
      ['flights-0', 120],
      ['my-topic-1', 0],
    ])
    expect(choice('--from-file', path)).toEqual({ kind: 'file', offsets })
    writeFileSync(path, 'flights,0,120\nflights,one,0\n')
    expect(() => choice('--from-file', path)).toThrow(/offsets\.csv:2: A line is topic/)
  })
})

describe('what is chosen', () => {
  const facts = { topic: 'in', partition: 0, start: 10, end: 20, committed: 15, atTime: 12 }

  test.each<[OffsetChoice, number | undefined]>([
    [{ kind: 'earliest' }, 10],
    [{ kind: 'latest' }, 20],
    [{ kind: 'offset', offset: 13 }, 13],
    [{ kind: 'time', timestampMs: 5 }, 12],
    [{ kind: 'shift', by: -2 }, 13],
    [{ kind: 'file', offsets: new Map([['in-0', 18]]) }, 18],
    [{ kind: 'file', offsets: new Map() }, undefined],
  ])('%j', (chosen, offset) => {
    expect(chosenOffset(chosen, facts)).toBe(offset)
  })

  test('nothing committed yet, and no record as late', () => {
    const nothing = { ...facts, committed: undefined, atTime: undefined }
    expect(chosenOffset({ kind: 'shift', by: 1 }, nothing)).toBe(11)
    expect(chosenOffset({ kind: 'time', timestampMs: 5 }, nothing)).toBe(20)
  })

  test('is always in the partition', () => {
    const any = fc.oneof(
      fc.integer().map(by => ({ kind: 'shift' as const, by })),
      fc.nat().map(offset => ({ kind: 'offset' as const, offset })),
      fc.nat().map(offset => ({ kind: 'file' as const, offsets: new Map([['in-0', offset]]) })),
    )
    fc.assert(
      fc.property(any, fc.nat(100), fc.nat(100), fc.nat(), (chosen, start, length, committed) => {
        const partition = { ...facts, start, end: start + length, committed }
        const offset = chosenOffset(chosen, partition)
        expect(offset).toBeGreaterThanOrEqual(start)
        expect(offset).toBeLessThanOrEqual(start + length)
      }),
    )
  })
})
