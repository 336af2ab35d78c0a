/**
 * Folders that Apache Kafka wrote (test/fixtures/apache-kafka) are read, and written on, as if they were our own: what its
 * consumer found, ours finds, record by record and offset by offset.
 */
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { endOf } from '../../../src/broker/log/compaction/sparse-batches.ts'
import { defaultLogConfig, type LogConfig } from '../../../src/broker/log/log-config.ts'
import { openPartitionLog, type PartitionLog } from '../../../src/broker/log/partition-log.ts'
import { decodePartitionMetadata } from '../../../src/broker/log/partition-metadata.ts'
import { silentLogger } from '../../../src/logger.ts'
import type { Platform } from '../../../src/platform/platform.ts'
import { simulate } from '../../../src/platform/simulated/simulation.ts'
import { RecordReader } from '../../../src/protocol/record-batch-reader.ts'
import { setBaseOffset } from '../../../src/protocol/record-batch.ts'
import { batchOf, recordsIn } from './batches.ts'
import { readCommitted } from './committed-reader.ts'
import { append, openLog, readAll } from './log-world.ts'

const fixtures = fileURLToPath(new URL('../../fixtures/apache-kafka', import.meta.url))
const topics = ['compacted', 'plain'] as const
type Topic = (typeof topics)[number]

const contentOf = (topic: Topic): Map<string, Buffer> => {
  const folder = path.join(fixtures, `${topic}-0`)
  return new Map(
    fs.readdirSync(folder).map(name => [name, fs.readFileSync(path.join(folder, name))]),
  )
}

/** What Kafka's console consumer printed, as `offset key value`. */
const printed = (topic: Topic, isolation: 'read_committed' | 'read_uncommitted'): string[] =>
  fs
    .readFileSync(path.join(fixtures, `${topic}.${isolation}`), 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => line.replace('Offset:', '').split('\t').join(' '))

function readUncommitted(log: PartitionLog): string[] {
  const found: string[] = []
  const reader = new RecordReader()
  for (let at = log.startOffset; at < log.highWatermark;) {
    const batches = log.read(at, 300)
    at = endOf(batches)
    reader.reset(batches)
    while (reader.next()) {
      if (reader.isControl) continue
      found.push(`${reader.offset} ${String(reader.key)} ${String(reader.value)}`)
    }
  }
  return found
}

const valuesIn = (lines: readonly string[]): string[] =>
  lines.map(line => line.split(' ').slice(2).join(' '))

const folder = '/data/flights-0'

function open(
  { files, clock }: Platform,
  topic: Topic,
  config: Partial<LogConfig> = {},
): Promise<PartitionLog> {
  return openPartitionLog({
    files,
    clock,
    folder,
    config: { ...defaultLogConfig, ...config },
    logger: silentLogger,
    topicId:
      decodePartitionMetadata(contentOf(topic).get('partition.metadata') ?? Buffer.of()) ?? '',
  })
}

/** A machine that has the folder on its disk, durably. */
async function machineWith(content: ReadonlyMap<string, Buffer>, seed = 1) {
  const sim = simulate({ seed })
  const machine = sim.machine('broker')
  const { files } = machine.platform
  files.makeFolder(folder)
  for (const [name, bytes] of content) {
    await sim.run(files.replace(path.join(folder, name), bytes))
  }
  await sim.run(files.syncFolder('/data'))
  await sim.run(files.syncFolder('/'))
  return { sim, machine }
}

describe.each(topics)('the folder of a topic (%s)', topic => {
  const read = (log: PartitionLog): void => {
    expect(readUncommitted(log)).toEqual(printed(topic, 'read_uncommitted'))
    expect(readCommitted(log, 300)).toEqual(valuesIn(printed(topic, 'read_committed')))
  }

  test('is read', async () => {
    const { sim, machine } = await machineWith(contentOf(topic))
    const log = await sim.run(open(machine.platform, topic))
    read(log)
    expect(log.startOffset).toBe(0)
    // The transaction that was open when the broker stopped.
    expect(log.highWatermark - log.lastStableOffset).toBe(topic === 'plain' ? 2 : 0)
    await sim.run(log.close())
  })

  test('is written on, and read after restarts', async () => {
    const { sim, machine } = await machineWith(contentOf(topic))
    const log = await sim.run(open(machine.platform, topic))
    const end = log.endOffset
    append(log, batchOf(['ours'], { key: 'ours' }))
    await sim.run(log.durable(end + 1))
    machine.crash()
    const again = await sim.run(open(machine.restart(), topic))
    const lines = [...printed(topic, 'read_uncommitted'), `${end} ours ours`]
    expect(readUncommitted(again)).toEqual(lines)
    await sim.run(again.close())
    machine.kill()
    expect(readUncommitted(await sim.run(open(machine.restart(), topic)))).toEqual(lines)
  })

  test('is compacted', async () => {
    const { sim, machine } = await machineWith(contentOf(topic))
    const { platform } = machine
    const config = { isCompacted: true, minCleanableDirtyRatio: 0 }
    const log = await sim.run(open(platform, topic, config))
    const round = { now: platform.clock.now(), pause: () => platform.timers.yield() }
    await sim.run(log.compact(round))
    const kept = readUncommitted(log)
    const before = printed(topic, 'read_uncommitted')
    expect(kept).toEqual(before.filter(line => kept.includes(line)))
    // Of the other one Kafka has left what we leave.
    if (topic === 'plain') expect(kept.length).toBeLessThan(before.length)
    // The newest of each key that is committed, unless it says that the key is gone.
    const newest = new Map(
      printed(topic, 'read_committed').map(line => [line.split(' ')[1] ?? '', line]),
    )
    for (const line of newest.values()) {
      if (!line.endsWith(' null')) expect(kept).toContain(line)
    }
    await sim.run(log.close())
  })
})

test('a machine that stops at any operation of the first opening does no harm', async () => {
  for (let operation = 1, stopped = true; stopped; operation++) {
    const { sim, machine } = await machineWith(contentOf('compacted'), operation)
    let isOver = false
    let count = 0
    machine.onOperation = () => {
      count += 1
      if (count === operation) machine.crash()
    }
    const over = (): void => void (isOver = true)
    open(machine.platform, 'compacted').then(over, over)
    await sim.run(() => isOver || !machine.isRunning)
    stopped = !machine.isRunning
    machine.onOperation = undefined
    if (!stopped) machine.crash()
    const log = await sim.run(open(machine.restart(), 'compacted'))
    expect(readUncommitted(log)).toEqual(printed('compacted', 'read_uncommitted'))
    if (!stopped) expect(operation).toBeGreaterThan(20)
  }
})

test('whatever batches and segments compaction has taken, the others are read', async () => {
  const kept = fc.record({ size: fc.integer({ min: 1, max: 3 }), isKept: fc.boolean() })
  const segments = fc.array(fc.array(kept, { maxLength: 6 }), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(segments, async written => {
      const epochs = Buffer.from('0\n1\n0 0\n')
      const content = new Map([['leader-epoch-checkpoint', epochs]])
      const expected: string[] = []
      let offset = 0
      for (const [n, batches] of written.entries()) {
        const name = `${String(offset).padStart(20, '0')}.log`
        const parts: Buffer[] = []
        for (const { size, isKept } of batches) {
          const values = Array.from({ length: size }, (_, at) => `value ${offset + at}`)
          const bytes = batchOf(values)
          setBaseOffset(bytes, offset)
          bytes.writeInt32BE(0, 12)
          if (isKept) {
            parts.push(bytes)
            expected.push(...recordsIn(bytes))
          }
          offset += size
        }
        // Of the newest segment the end stays.
        const isLast = n === written.length - 1
        if (parts.length > 0 || batches.length > 0 || isLast) {
          content.set(name, Buffer.concat(parts))
          content.set(name.replace('.log', '.index'), Buffer.of())
        }
      }
      const { sim, machine } = await machineWith(content)
      const { files } = machine.platform
      const log = await sim.run(openLog(folder, { files }))
      const found = readUncommitted(log).map(line => line.replace(' null ', ':'))
      expect(found).toEqual(expected)
      await sim.run(log.close())
    }),
    { numRuns: 200 },
  )
})

test('a segment whose predecessor lost its end in a crash is not taken for one behind a gap', async () => {
  const first = batchOf(['a'])
  const later = batchOf(['c'])
  setBaseOffset(later, 2)
  for (const bytes of [first, later]) bytes.writeInt32BE(0, 12)
  const content = new Map([
    [`${'0'.repeat(20)}.log`, first],
    [`${'0'.repeat(19)}2.log`, later],
  ])
  const { sim, machine } = await machineWith(content)
  const log = await sim.run(openLog(folder, { files: machine.platform.files }))
  expect(readAll(log)).toEqual(['0:a'])
  await sim.run(log.close())
})

test('messages of an older format are refused, and stay as they are', async () => {
  const message = Buffer.alloc(70, 1)
  message.writeBigInt64BE(0n, 0)
  message.writeInt32BE(message.length - 12, 8)
  message.writeUInt32BE(crc32(message.subarray(16)), 12)
  const name = `${'0'.repeat(20)}.log`
  const { sim, machine } = await machineWith(new Map([[name, message]]))
  const { files } = machine.platform
  await expect(sim.run(openLog(folder, { files }))).rejects.toMatchObject({
    code: 'CORRUPT_DATA',
    message: expect.stringContaining('before version 2'),
  })
  expect(files.read(path.join(folder, name))).toEqual(message)
})

test('a torn tail is cut all the same', async () => {
  const content = contentOf('plain')
  const last = [...content.keys()].filter(name => name.endsWith('.log')).at(-1) ?? ''
  content.set(last, content.get(last)?.subarray(0, -10) ?? Buffer.of())
  const { sim, machine } = await machineWith(content)
  const log = await sim.run(open(machine.platform, 'plain'))
  expect(readUncommitted(log)).toEqual(printed('plain', 'read_uncommitted').slice(0, -1))
  expect(readAll(log, log.endOffset)).toEqual([])
})
