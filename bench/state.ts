/**
 * A task's stores over LevelDB: reads and writes of typed rows, 16-byte keys, 100-byte values. `get` reads random rows of a
 * database of 200,000; `put` writes into the open transaction, commits of 1,000 included; `read-modify-write` is what an
 * aggregation does, of all keys and of a few; `batch` is restoring from a changelog.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { silentLogger } from '../src/logger.ts'
import { RecordBatchBuilder } from '../src/protocol/record-batch-builder.ts'
import { bytes } from '../src/serde/bytes.ts'
import { string } from '../src/serde/string.ts'
import { KeyValueStore } from '../src/state/key-value-store.ts'
import { levelEngine } from '../src/state/level-engine.ts'
import { openTaskState } from '../src/state/task-state.ts'

const rows = 200_000
const value = Buffer.alloc(100, 'value ')
const topic = 'app-rows-changelog'
const folder = mkdtempSync(path.join(tmpdir(), 'millrace-bench-state-'))

const state = await openTaskState({
  engine: levelEngine(folder),
  taskId: '0_0',
  stores: [
    {
      kind: 'timestampedKeyValue',
      name: 'rows',
      key: string(),
      value: bytes(),
      changelogTopic: topic,
    },
  ],
  bootId: 'bench',
  logger: silentLogger,
})
const found = state.store('rows')
if (!(found instanceof KeyValueStore)) throw new Error('The store is missing.')
const store = found

const keyOf = (i: number): string => `key-${String(i).padStart(12, '0')}`

/** A permutation step: visits the rows in an order that no cache likes. */
const scattered = (i: number): string => keyOf((i * 7919) % rows)

async function commit(): Promise<void> {
  state.prepareCommit(() => {})
  await state.completeCommit([])
}

async function measure(name: string, count: number, run: () => Promise<void>): Promise<void> {
  const start = performance.now()
  await run()
  const perSecond = count / ((performance.now() - start) / 1000)
  process.stdout.write(`state ${name.padEnd(32)} ${(perSecond / 1000).toFixed(0)} k ops/s\n`)
}

await measure('batch', rows, async () => {
  const builder = new RecordBatchBuilder()
  for (let at = 0; at < rows; at += 5000) {
    builder.reset()
    for (let i = at; i < at + 5000; i++) builder.append(Buffer.from(keyOf(i)), value, i, [])
    await state.restore('rows', {
      topic,
      partition: 0,
      batches: builder.build({ baseOffset: at }),
      offset: at,
      nextOffset: at + 5000,
      highWatermark: rows,
    })
  }
})
await measure('get', rows, async () => {
  for (let i = 0; i < rows; i++) if (store.get(scattered(i)) === undefined) throw new Error('lost')
})
await measure('get missing', rows, async () => {
  for (let i = 0; i < rows; i++) if (store.get(`no ${i}`) !== undefined) throw new Error('found')
})
await measure('put', rows, async () => {
  for (let i = 0; i < rows; i++) {
    store.put(scattered(i), value, i)
    if (i % 1000 === 999) await commit()
  }
})
await measure('read-modify-write', rows, async () => {
  for (let i = 0; i < rows; i++) {
    const key = scattered(i)
    store.put(key, store.get(key)?.value ?? null, i)
    if (i % 1000 === 999) await commit()
  }
})
await measure('read-modify-write of 5,000 keys', rows, async () => {
  for (let i = 0; i < rows; i++) {
    const key = keyOf((i * 7919) % 5000)
    store.put(key, store.get(key)?.value ?? null, i)
    if (i % 1000 === 999) await commit()
  }
})
await state.close()
rmSync(folder, { recursive: true })
