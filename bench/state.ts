/**
 * A task's stores over LevelDB: reads and writes of typed rows, 16-byte keys, 100-byte values. `batch` is restoring from
 * a changelog; `get` reads random rows of a database of 200,000; `put` writes into the open transaction, commits of
 * 1,000 included; `read-modify-write` is what an aggregation does, of all keys and of a few.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { silentLogger } from '../src/logger.ts'
import { nodePlatform } from '../src/platform/node-platform.ts'
import { RecordBatchBuilder } from '../src/protocol/record-batch-builder.ts'
import { bytes } from '../src/serde/bytes.ts'
import { string } from '../src/serde/string.ts'
import { KeyValueStore } from '../src/state/key-value-store.ts'
import { levelEngine } from '../src/state/level-engine.ts'
import { openTaskState } from '../src/state/open-task-state.ts'
import { amount, throughput } from './measure.ts'

const rows = amount(200_000)
const rowsPerRound = rows / 5
const rowsPerCommit = 1000
const value = Buffer.alloc(100, 'value ')
const topic = 'app-rows-changelog'
const folder = mkdtempSync(path.join(tmpdir(), 'millrace-bench-state-'))

const state = await openTaskState({
  engine: levelEngine({ ...nodePlatform(), folder }),
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
assert(found instanceof KeyValueStore)
const store = found

const keyOf = (i: number): string => `key-${String(i).padStart(12, '0')}`

/** A permutation step: visits the rows in an order that no cache likes. */
const scattered = (i: number): string => keyOf((i * 7919) % rows)

async function commit(): Promise<void> {
  state.prepareCommit(() => {})
  await state.completeCommit([])
}

/** Each round goes on where the one before it stopped. */
async function measure(name: string, operation: (i: number) => void): Promise<void> {
  let at = 0
  await throughput(`store ${name}`, 'operations/s', async () => {
    for (const end = at + rowsPerRound; at < end; at++) {
      operation(at)
      if (at % rowsPerCommit === rowsPerCommit - 1) await commit()
    }
    await commit()
    return rowsPerRound
  })
}

let restored = 0
const builder = new RecordBatchBuilder()
await throughput('store batch', 'operations/s', async () => {
  builder.reset()
  for (let i = 0; i < rowsPerRound; i++) {
    builder.append(Buffer.from(keyOf(restored + i)), value, i, [])
  }
  await state.restore('rows', {
    topic,
    partition: 0,
    batches: builder.build({ baseOffset: restored }),
    offset: restored,
    nextOffset: restored + rowsPerRound,
    highWatermark: rows,
  })
  restored += rowsPerRound
  return rowsPerRound
})
await measure('get', i => assert(store.get(keyOf((i * 7919) % restored)) !== undefined))
await measure('get missing', i => assert(store.get(`no ${i}`) === undefined))
await measure('put', i => store.put(scattered(i), value, i))
await measure('read-modify-write', i => {
  const key = scattered(i)
  store.put(key, store.get(key)?.value ?? null, i)
})
await measure('read-modify-write of 5,000 keys', i => {
  const key = keyOf((i * 7919) % Math.min(rows, 5000))
  store.put(key, store.get(key)?.value ?? null, i)
})
await state.close()
rmSync(folder, { recursive: true })
