/** Tests of the test: workers that have the mistakes which exactly once is easily lost by, killed where these show. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { tortureExactlyOnce } from './eos-torture.ts'
import type { KillPoint, PlantedBug } from './faults/settings.ts'
import { referenceSubject } from './reference-subject.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-planted-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const planted: [bug: PlantedBug, point: KillPoint, found: RegExp][] = [
  ['commits before it flushes', 'after EndTxn', /^echo, partition \d: record \d+ .* differs/],
  [
    'commits offsets outside of the transaction',
    'before EndTxn',
    /^echo, partition \d: record \d+ .* differs/,
  ],
  ['writes stores early', 'before EndTxn', /^sum, partition \d: record \d+ .* differs/],
]

test.each(planted)('an application that %s is found out', async (bug, point, found) => {
  const run = tortureExactlyOnce(join(folder, bug.replaceAll(' ', '-')), {
    subject: referenceSubject,
    world: 'millrace broker',
    workers: 1,
    seed: 1,
    kills: 2,
    faults: ['worker killed at a point'],
    points: [point],
    planted: bug,
  })
  await expect(run).rejects.toThrow(found)
})
