/** Topics that are deleted while an application works, and commits that never succeed. All in virtual time. */
import { expect, test } from 'vitest'
import type { StreamsConfig } from '../../../src/dsl/streams-config.ts'
import { wireConnector } from '../../../src/client/wire-connection.ts'
import { defineApp, string } from '../../../src/index.ts'
import { errorCode } from '../../../src/protocol/error-codes.ts'
import { startApplication } from '../../../src/runtime/application.ts'
import { faultyConnector } from '../faulty-connector.ts'
import { simulatedLog } from '../simulated-log.ts'
import { produce, readText, record } from '../testbed.ts'

const text = { key: string(), value: string() }
const app = defineApp('app', builder => {
  const counts = builder.stream('in', text).groupByKey().count({ store: 'counts' })
  counts.toStream().mapValues(String).to('out', text)
})

async function running(config: StreamsConfig = {}) {
  const world = await simulatedLog()
  let isFenced = false
  const connector = faultyConnector(
    wireConnector(world.platform, { clientId: 'faulty' }),
    world.platform.timers,
    api => (isFenced && api === 'EndTxn' ? errorCode.PRODUCER_FENCED : undefined),
  )
  await world.run(world.client.createTopics([{ name: 'in' }]))
  const options = { ...world.options, client: world.connect({ connector }), ...config }
  const application = await world.run(startApplication(app, options))
  await world.run(produce(world.client, 'in', [record('a', 'x')]))
  await world.run(application.untilEnd())
  return {
    ...world,
    application,
    fence() {
      isFenced = true
    },
  }
}

const guarantees = ['exactlyOnce', 'atLeastOnce'] as const

test.each(guarantees)(
  'the topic of a sink: it is named, and made anew (%s)',
  async processingGuarantee => {
    const errors: unknown[] = []
    const world = await running({
      processingGuarantee,
      uncaughtExceptionHandler: error => {
        errors.push(error)
        return 'replace'
      },
    })
    const { client, application } = world
    await world.run(client.deleteTopics(['out']))
    await world.run(produce(client, 'in', [record('a', 'x'), record('b', 'x')]))
    await world.until(() => errors.length > 0)
    expect(errors[0]).toMatchObject({
      code: 'MISSING_TOPIC',
      message: expect.stringMatching(/deleted while it ran: out\./),
    })
    await world.run(application.untilEnd())
    const results = await world.run(readText(client, 'out'))
    // What was counted before the refusal is counted again where changelogs are no part of a transaction.
    const expected = { exactlyOnce: ['a=2', 'b=1'], atLeastOnce: ['a=3', 'b=2'] }
    expect(results).toEqual(expected[processingGuarantee])
    await world.run(application.close())
  },
)

test.each(guarantees)('the topic of a source: it is named (%s)', async processingGuarantee => {
  const { client, application, ...world } = await running({ processingGuarantee })
  await world.run(client.deleteTopics(['in']))
  await expect(world.run(application.finished)).rejects.toMatchObject({
    code: 'MISSING_TOPIC',
    message: expect.stringMatching(/\bin\b/),
  })
  expect(application.state).toBe('ERROR')
})

test('commits that fail one after another, while the tasks start well, end after taskTimeoutMs', async () => {
  const { client, application, platform, ...world } = await running({ taskTimeoutMs: 60_000 })
  world.fence()
  const before = platform.clock.monotonic()
  await world.run(produce(client, 'in', [record('a', 'x')]))
  await expect(world.run(application.finished)).rejects.toMatchObject({
    code: 'TASK_MIGRATED',
    message: expect.stringMatching(/commits in a row have failed, for 60 s \(taskTimeoutMs\)/),
  })
  const seconds = (platform.clock.monotonic() - before) / 1000
  expect(seconds).toBeGreaterThan(60)
  expect(seconds).toBeLessThan(120)
  expect(application.state).toBe('ERROR')
})
