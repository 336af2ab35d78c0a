import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { expect, test } from 'vitest'

import { silentLogger } from '../../src/logger.ts'
import { keyValueReader } from '../../src/state/readers/key-value-reader.ts'
import { changelog, openStores, rowsOf, rowsOfCommit } from './store-process.ts'

const script = path.join(import.meta.dirname, 'store-process.ts')

test('after kill -9 a database is kept, and is as of its last commit', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-kill-'))
  const warnings: string[] = []
  const logger = {
    ...silentLogger,
    warn: (_: object, message: string) => void warnings.push(message),
  }
  const model = new Map<string, { value: Buffer; timestamp: number }>()
  let commits = 0
  for (let kill = 0; kill < 4; kill++) {
    const child = spawn(process.execPath, ['--conditions=millrace-source', script, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    // One byte a commit. Another moment each time: before, in and after the first compactions.
    for (let seen = 0; seen < 3 + kill * 40;) {
      const [bytes] = (await once(child.stdout, 'data')) as [Buffer]
      seen += bytes.length
    }
    child.kill('SIGKILL')
    await exited

    const state = await openStores(folder, logger)
    const reached = state.checkpoint(changelog) ?? 0
    expect(warnings).toEqual([])
    expect(reached).toBeGreaterThan(commits)
    for (; commits < reached; commits++) {
      for (const [key, value] of rowsOfCommit(commits))
        model.set(key, { value, timestamp: commits })
    }
    let found = 0
    for await (const { key, value, timestamp } of keyValueReader(
      rowsOf(state),
      rowsOf(state).table,
    ).all()) {
      const row = model.get(String(key))
      const isRight = Buffer.isBuffer(value) && row?.value.equals(value) === true
      if (!isRight || row.timestamp !== timestamp)
        throw new Error(`the row of ${String(key)} is wrong`)
      found++
    }
    expect(found).toBe(model.size)
    await state.close()
  }
  expect(warnings).toEqual([])
  rmSync(folder, { recursive: true })
})
