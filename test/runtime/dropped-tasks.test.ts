import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { defineApp } from '../../src/dsl/define-app.ts'
import { MillraceError } from '../../src/errors.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { json } from '../../src/serde/json.ts'
import { string } from '../../src/serde/string.ts'
import { CrashableEngine } from './crashable-engine.ts'
import { FakeLog } from './fake-log-client.ts'
import { produce, readText, record, temporaryFolder } from './testbed.ts'

/**
 * All tasks of an instance write into one place, from which a commit takes everything. So what a task has written that is dropped
 * must not be there when the others commit: it would come twice.
 */
const platform = nodePlatform()
const text = { key: string(), value: string() }

const copying = defineApp('copying', builder => {
  const stream = builder.stream('in', text)
  stream.to('out')
  stream.groupByKey().count({ store: 'counts', value: json<number>() })
})

const input = Array.from({ length: 120 }, (_, i) => record(`key-${i % 7}`, `${i}`))
const written = input.map(({ key, value }) => `${key}=${value}`).sort()

/** What makes tasks be dropped, and before which of its kind it happens. */
const anyTrouble = fc.record({
  damagedRead: fc.integer({ min: 1, max: 60 }),
  damagedWrite: fc.integer({ min: 1, max: 12 }),
  failedSend: fc.integer({ min: 1, max: 8 }),
  failedEnd: fc.integer({ min: 1, max: 8 }),
})

test('what a task has written that is dropped is never committed with what others have', async () => {
  await fc.assert(
    fc.asyncProperty(anyTrouble, async trouble => {
      using folder = temporaryFolder()
      const log = new FakeLog(platform.timers)
      const engine = new CrashableEngine()
      const client = log.client()
      await client.createTopics([{ name: 'in', partitions: 3 }, { name: 'out' }])
      const options = { client, platform, stateFolder: folder.path, engine, commitIntervalMs: 1 }
      const counts = { read: 0, write: 0, send: 0, end: 0, commit: 0 }
      engine.damage = row => {
        if (++counts.read === trouble.damagedRead)
          row.writeUInt8(row.readUInt8(row.length - 1) ^ 1, row.length - 1)
        return row
      }
      engine.fault = () => {
        if (++counts.write !== trouble.damagedWrite) return
        throw new MillraceError('TASK_CORRUPTED', 'A row is not what it was.')
      }
      log.fault = (step, from) => {
        const at = { send: trouble.failedSend, end: trouble.failedEnd, commit: 0 }
        if (from !== client || ++counts[step] !== at[step]) return
        throw new MillraceError('CONNECTION_LOST', 'Nobody answers.')
      }
      await using application = await startApplication(copying, options)
      const other = log.client()
      for (let at = 0; at < input.length; at += 30) {
        await produce(other, 'in', input.slice(at, at + 30))
        const [member] = log.group('copying').members
        if (at === 60 && member !== undefined) await log.group('copying').evict(member)
      }
      await application.untilEnd()
      expect((await readText(client, 'out')).sort()).toEqual(written)
    }),
    { numRuns: 20 },
  )
})
