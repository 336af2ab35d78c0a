import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll } from 'vitest'
import { type Logger, silentLogger } from '../../../src/logger.ts'
import { defaultLogConfig, type LogConfig } from '../../../src/broker/log/log-config.ts'
import { openPartitionLog, type PartitionLog } from '../../../src/broker/log/partition-log.ts'
import { nodePlatform } from '../../../src/platform/node-platform.ts'
import type { Files } from '../../../src/platform/platform.ts'
import { recordsIn } from './batches.ts'

export const topicId = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'
const { files, clock } = nodePlatform()

const parents: string[] = []
afterAll(() => {
  for (const parent of parents) fs.rmSync(parent, { recursive: true, force: true })
})

/** A new folder for a partition, removed when the test file has ended. */
export function temporaryFolder(): string {
  const parent = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-log-'))
  parents.push(parent)
  return path.join(parent, 'flights-0')
}

export interface OpenOptions {
  readonly config?: Partial<LogConfig>
  readonly files?: Files
  readonly now?: () => number
  readonly logger?: Logger
}

export function openLog(folder: string, options: OpenOptions = {}): Promise<PartitionLog> {
  return openPartitionLog({
    files: options.files ?? files,
    clock: { ...clock, now: options.now ?? (() => 5000) },
    folder,
    config: { ...defaultLogConfig, ...options.config },
    logger: options.logger ?? silentLogger,
    topicId,
  })
}

export function append(
  log: PartitionLog,
  batches: Buffer,
  leaderEpoch = 0,
): { baseOffset: number; lastOffset: number } {
  return log.append(batches, { leaderEpoch, assignOffsets: true })
}

/** Everything from an offset to the high watermark, read in pieces of at most `maxBytes`. */
export function readAll(log: PartitionLog, from = log.startOffset, maxBytes = 1000): string[] {
  const records: string[] = []
  let offset = from
  for (;;) {
    const found = recordsIn(log.read(offset, maxBytes))
    if (found.length === 0) return records
    records.push(...found.filter(record => Number.parseInt(record, 10) >= offset))
    offset = Number.parseInt(found.at(-1) ?? '', 10) + 1
  }
}
