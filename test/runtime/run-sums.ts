import { expect } from 'vitest'
import type { LogClient } from '../../src/client/log-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { faultyConnector, type RequestFault } from './faulty-connector.ts'
import { simulatedLog } from './simulated-log.ts'
import {
  changelogSums,
  committedSums,
  createTopics,
  lastOf,
  naiveSums,
  openTransactions,
  storedSums,
  sums,
  sumsInput,
} from './sums-world.ts'
import { produce } from './testbed.ts'

export type Plant = (client: LogClient) => LogClient

export type Faults = readonly { api: string; fault: RequestFault; times: number }[]

/**
 * Runs the sums while requests go wrong and fails when a result is wrong, missing or there twice. `plant` may put a bug between
 * the application and its client.
 */
export async function runSums(faults: Faults, plant: Plant = client => client): Promise<void> {
  const world = await simulatedLog()
  const { platform, client } = world
  const left = new Map(faults.map(({ api, fault, times }) => [api, { fault, times }]))
  let hits = 0
  let isArmed = false
  const connector = faultyConnector(
    wireConnector(platform, { clientId: 'faulty' }),
    platform.timers,
    api => {
      const next = left.get(api)
      if (!isArmed || next === undefined || next.times === 0) return undefined
      next.times -= 1
      hits += 1
      return next.fault
    },
  )
  await world.run(createTopics(client))
  const options = { ...world.options, client: plant(world.connect({ connector })) }
  const application = await world.run(startApplication(sums, options))
  await world.run(produce(client, 'in', sumsInput(0, 30)))
  await world.run(application.untilEnd())
  isArmed = true
  await world.run(produce(client, 'in', sumsInput(30, 45)))
  await world.pass(500)
  // The log is away for longer than a client's patience with one request.
  if (faults.some(({ times }) => times >= 100)) await world.pass(120_000)
  await world.run(produce(client, 'in', sumsInput(45, 60)))
  await world.run(application.untilEnd())
  await world.until(() => application.state === 'RUNNING')

  if (faults.length > 0) expect(hits).toBeGreaterThan(0)
  const expected = naiveSums(sumsInput(0, 60))
  expect(await world.run(committedSums(client))).toEqual(expected)
  expect(await world.run(storedSums(application))).toEqual(lastOf(expected))
  isArmed = false
  await world.run(application.close())
  expect(await world.run(changelogSums(client))).toEqual(lastOf(expected))
  expect(await world.run(openTransactions(client))).toEqual([])
  const inputs = [0, 1].map(partition => ({ topic: 'in', partition }))
  const committed = await world.run(client.committedOffsets('sums', inputs))
  expect(committed.map(({ offset }) => offset)).toEqual(
    (await world.run(client.listOffsets(inputs, 'latest'))).map(({ offset }) => offset),
  )
}
