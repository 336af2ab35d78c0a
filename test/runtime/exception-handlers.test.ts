import { describe, expect, test } from 'vitest'

import { type App, type AppOptions, defineApp } from '../../src/dsl/define-app.ts'
import { MillraceError } from '../../src/errors.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { json } from '../../src/serde/json.ts'
import { string } from '../../src/serde/string.ts'
import { logAndContinue } from '../../src/topology/exception-handlers.ts'
import { CrashableEngine } from './crashable-engine.ts'
import { FakeLog } from './fake-log-client.ts'
import { type TestRecord, produce, readText, record, temporaryFolder } from './testbed.ts'

/** Handlers at work in a running application: what is committed, what is written, what a restart repeats. */
const platform = nodePlatform()
const text = { key: string(), value: string() }

interface World {
  readonly log: FakeLog
  readonly run: (
    records: readonly TestRecord[],
    options?: AppOptions,
  ) => Promise<{ dropped: number }>
  readonly committed: () => number | undefined
}

async function withApp(app: App, use: (world: World) => Promise<void>): Promise<void> {
  using folder = temporaryFolder()
  const log = new FakeLog(platform.timers)
  const client = log.client()
  await client.createTopics([{ name: 'in' }])
  await use({
    log,
    async run(records, options = {}) {
      await produce(client, 'in', records)
      const engine = new CrashableEngine()
      await using application = await startApplication(app, {
        client: log.client(),
        platform,
        engine,
        stateFolder: folder.path,
        ...options,
      })
      const metrics = await application.untilEnd()
      return metrics
    },
    committed: () => log.committed.get(app.name)?.get('in-0')?.offset,
  })
}

const parsed = defineApp('parsed', builder => {
  builder.stream('in', { key: string(), value: json<number>() }).to('out')
})
const doubled = defineApp('doubled', builder => {
  const input = builder.stream('in', text)
  input.mapValues(value => `${value}!`).to('all', text)
  input
    .mapValues(value => {
      if (value === 'boom') throw new RangeError('no boom')
      return value + value
    })
    .to('out', text)
})

const leavingOut: AppOptions = {
  deserializationExceptionHandler: logAndContinue,
  processingExceptionHandler: logAndContinue,
  productionExceptionHandler: logAndContinue,
  deadLetterTopic: 'dead',
}

describe('an application that goes on', () => {
  test('commits past what it cannot read, also at the end, and does not read it again', async () => {
    await withApp(parsed, async ({ log, run, committed }) => {
      const first = [record('a', '1'), record('b', '{'), record('c', '2'), record('d', '}')]
      expect(await run(first, leavingOut)).toMatchObject({ dropped: 2 })
      expect(committed()).toBe(4)
      expect(await run([record('e', '3')])).toMatchObject({ dropped: 0 })
      expect(await readText(log.client(), 'out')).toEqual(['a=1', 'c=2', 'e=3'])
      expect(await readText(log.client(), 'dead')).toEqual(['b={', 'd=}'])
    })
  })

  test('processes what is left of a record of which one branch failed', async () => {
    await withApp(doubled, async ({ log, run, committed }) => {
      const records = [record('a', 'x'), record('b', 'boom'), record('c', 'y')]
      expect(await run(records, leavingOut)).toMatchObject({ dropped: 1 })
      expect(committed()).toBe(3)
      expect(await readText(log.client(), 'all')).toEqual(['a=x!', 'b=boom!', 'c=y!'])
      expect(await readText(log.client(), 'out')).toEqual(['a=xx', 'c=yy'])
      expect(await readText(log.client(), 'dead')).toEqual(['b=boom'])
    })
  })
})

describe('an application that fails', () => {
  test('says where, commits nothing of the record, and leaves a dead letter if it has a topic', async () => {
    await withApp(doubled, async ({ log, run, committed }) => {
      const failed = run([record('a', 'x'), record('b', 'boom')], { deadLetterTopic: 'dead' })
      await expect(failed).rejects.toMatchObject({
        code: 'PROCESSING_ERROR',
        message:
          'Processor KSTREAM-MAPVALUES-0000000003 of task 0_0 threw on the record at topic in, partition 0, offset 1: no boom',
        cause: expect.any(RangeError),
      })
      expect(committed() ?? 0).toBeLessThan(2)
      expect(await readText(log.client(), 'dead')).toEqual(['b=boom'])
      expect(await run([], leavingOut)).toMatchObject({ dropped: 1 })
      expect(committed()).toBe(2)
    })
  })

  test('when a handler throws, with what it was asked about', async () => {
    await withApp(parsed, async ({ run }) => {
      const failed = run([record('a', '{')], {
        deserializationExceptionHandler: () => {
          throw new Error('out of order')
        },
      })
      await expect(failed).rejects.toSatisfy(
        error =>
          error instanceof MillraceError &&
          error.code === 'PROCESSING_ERROR' &&
          /deserialization exception handler threw Error: out of order.*topic in, partition 0, offset 0/.test(
            error.message,
          ),
      )
    })
  })
})
