import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { batchOf } from './batches.ts'
import { append, openLog, readAll, temporaryFolder } from './log-world.ts'

describe('append and read', () => {
  test('what was appended is read back with its offsets once it is durable', async () => {
    const log = await openLog(temporaryFolder())
    expect(append(log, batchOf(['a', 'b']))).toMatchObject({ baseOffset: 0, lastOffset: 1 })
    expect(append(log, batchOf(['c']))).toMatchObject({ baseOffset: 2, lastOffset: 2 })
    expect(log.endOffset).toBe(3)
    expect(readAll(log)).toEqual([])
    await log.durable(3)
    expect(log.highWatermark).toBe(3)
    expect(readAll(log)).toEqual(['0:a', '1:b', '2:c'])
    await log.close()
  })

  test('a closed log is as it was when it is opened again', async () => {
    const folder = temporaryFolder()
    const log = await openLog(folder)
    for (let n = 0; n < 100; n++) append(log, batchOf([`value ${n}`]))
    await log.close()
    const again = await openLog(folder)
    expect(again.highWatermark).toBe(100)
    expect(readAll(again)).toEqual(Array.from({ length: 100 }, (_, n) => `${n}:value ${n}`))
    await again.close()
    expect(fs.readdirSync(folder).sort()).toEqual([
      '00000000000000000000.index',
      '00000000000000000000.log',
      '00000000000000000000.timeindex',
      '00000000000000000100.snapshot',
      'leader-epoch-checkpoint',
      'partition.checkpoint',
      'partition.metadata',
    ])
    expect(fs.readFileSync(path.join(folder, 'leader-epoch-checkpoint'), 'utf8')).toBe(
      '0\n1\n0 0\n',
    )
  })

  test('segments roll by size and all of them are read', async () => {
    const folder = temporaryFolder()
    const log = await openLog(folder, { config: { segmentBytes: 1000, flush: 'os' } })
    const expected = Array.from({ length: 200 }, (_, n) => `${n}:value ${n}`)
    for (let n = 0; n < 200; n++) append(log, batchOf([`value ${n}`]))
    expect(readAll(log)).toEqual(expected)
    await log.close()
    expect(fs.readdirSync(folder).filter(name => name.endsWith('.log')).length).toBeGreaterThan(10)
    const again = await openLog(folder)
    expect(readAll(again)).toEqual(expected)
    await again.close()
  })
})
