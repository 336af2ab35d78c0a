/** Closing an application at moments when it is about to go on after a failure. All in virtual time. */
import { expect, test } from 'vitest'
import type { LogClient } from '../../src/client/log-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { defineApp, string } from '../../src/index.ts'
import { errorCode } from '../../src/protocol/error-codes.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { faultyConnector } from './faulty-connector.ts'
import { simulatedLog } from './simulated-log.ts'
import { produce, record } from './testbed.ts'

const text = { key: string(), value: string() }

const app = defineApp('app', builder => {
  builder.globalTable('names', { ...text, store: 'names' })
  const words = builder.stream('in', text)
  words.foreach((_, value) => {
    if (value === 'boom') throw new Error('boom')
  })
  words.to('out')
})

async function hasOpenTransaction(client: LogClient): Promise<boolean> {
  const out = [{ topic: 'out', partition: 0 }]
  const [end] = await client.listOffsets(out, 'latest')
  const [stable] = await client.listOffsets(out, 'lastStable')
  return end?.offset !== stable?.offset
}

test.each([0, 50, 200, 2000, 5000, 20_000, 45_000, 70_000, 90_000])(
  'whose worker is being replaced while the broker is away, for %i ms',
  async afterMs => {
    const world = await simulatedLog()
    const { client, platform, options } = world
    await world.run(client.createTopics([{ name: 'in' }, { name: 'names' }]))
    let failures = 0
    const application = await world.run(
      startApplication(app, {
        ...options,
        uncaughtExceptionHandler: () => {
          if (failures++ === 0) world.crash()
          return 'replace'
        },
      }),
    )
    await world.run(application.untilEnd())
    await world.run(produce(client, 'in', [record('a', 'boom')]))
    await world.until(() => failures > 0)
    await world.pass(afterMs)
    const before = platform.clock.monotonic()
    await world.run(application.close())
    expect(platform.clock.monotonic() - before).toBeLessThan(11_000)
    expect(application.state).toBe('NOT_RUNNING')
    expect(options.engine.opened).toEqual([])
  },
)

test('while the next producer is being opened: no transaction stays open', async () => {
  const world = await simulatedLog()
  const { client, platform } = world
  await world.run(client.createTopics([{ name: 'in' }, { name: 'names' }]))
  let isArmed = false
  let opening = false
  const connector = faultyConnector(
    wireConnector(platform, { clientId: 'faulty' }),
    platform.timers,
    api => {
      if (!isArmed) return undefined
      if (api === 'EndTxn') return errorCode.PRODUCER_FENCED
      if (api !== 'InitProducerId') return undefined
      opening = true
      return { heldMs: 3000 }
    },
  )
  const running = world.connect({ connector })
  const application = await world.run(startApplication(app, { ...world.options, client: running }))
  await world.run(application.untilEnd())
  isArmed = true
  await world.run(produce(client, 'in', [record('a', 'x')]))
  await world.until(() => opening)
  expect(await world.run(hasOpenTransaction(client))).toBe(true)
  await world.run(application.close())
  await world.run(running.close())
  expect(await world.run(hasOpenTransaction(client))).toBe(false)
})
