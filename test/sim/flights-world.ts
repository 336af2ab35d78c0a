import type { z } from 'zod'
import app, { Airport, DayOfDelays, Flight } from '../../examples/flights/app.ts'
import { airports, flights } from '../../examples/flights/dataset.ts'
import { startBroker } from '../../src/broker/start-broker.ts'
import { createLogClient } from '../../src/client/kafka-client.ts'
import type { LogClient } from '../../src/client/log-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import type { Platform } from '../../src/platform/platform.ts'
import { simulate } from '../../src/platform/simulated/simulation.ts'
import { pause } from '../../src/runtime/pause.ts'
import { type Application, startApplication } from '../../src/runtime/application.ts'
import type { ReadOnlyWindowStore } from '../../src/state/stores.ts'
import { CrashableEngine } from '../runtime/crashable-engine.ts'
import { foldTopic, produce, record } from '../runtime/testbed.ts'

const address = { host: 'broker', port: 9092 }
export const input = flights().slice(0, 1500)

/** Flights and minutes of delay by city and day, as text. */
export type Days = Record<string, string>

export type Fault =
  | 'clean stop'
  /** The process of the application ends; the disk keeps its stores. */
  | 'kill'
  /** The stores go with the process, as stores in memory do. */
  | 'loss of the stores'
  /** The machine of the application stops: its stores are there and cannot be trusted. */
  | 'power loss'
  | 'power loss of the broker'

export interface Outcome {
  readonly days: Days
  /** The same, from the changelog. */
  readonly changelog: Days
  readonly traceHash: string
  readonly traceLength: number
  /** How much of the input was done when the fault came. */
  readonly processedBefore: number
  /** Changelog records from which the application that ended the input made its stores. */
  readonly restored: number
}

function connect(platform: Platform): LogClient {
  const connector = wireConnector(platform, { clientId: 'simulated' })
  return createLogClient({ platform, bootstrap: [address], connector })
}

/**
 * Broker, client and application on two simulated machines, and a fault in the middle of the input. Nothing in here
 * comes from outside of the simulation but the data, so the seed decides everything. The fault comes `afterMs` virtual
 * milliseconds after a commit with which at least `committed` records of the input are done: in the middle of whatever
 * happens then.
 */
export async function run(
  seed: number,
  fault: Fault,
  { committed = 300, afterMs = 4 } = {},
): Promise<Outcome> {
  const simulation = simulate({ seed })
  const broker = simulation.machine('broker')
  const machine = simulation.machine('app')
  let engine = new CrashableEngine()
  const boot = (platform: Platform): Promise<unknown> =>
    startBroker({ platform, data: '/broker', ...address })
  const start = (platform: Platform, client: LogClient): Promise<Application> =>
    startApplication(app, { client, platform, engine, stateFolder: '/state', commitIntervalMs: 5 })

  await simulation.run(boot(broker.platform))
  const loader = simulation.machine('loader').platform
  const source = connect(loader)
  await simulation.run(loadAirports(source))
  const loading = loadFlights(source, loader)
  const application = await simulation.run(start(machine.platform, connect(machine.platform)))
  await simulation.run(() => application.metrics().processed >= committed)
  await simulation.run(pause(broker.platform.timers, afterMs))
  const processedBefore = application.metrics().processed
  switch (fault) {
    case 'clean stop':
      await simulation.run(application.close())
      break
    case 'kill':
      machine.kill()
      await engine.crash()
      machine.restart()
      break
    case 'loss of the stores':
      machine.kill()
      engine = new CrashableEngine()
      machine.restart()
      break
    case 'power loss':
      machine.crash()
      await engine.crash()
      machine.restart()
      break
    case 'power loss of the broker':
      broker.crash()
      await simulation.run(boot(broker.restart()))
  }
  const client = connect(machine.platform)
  const next =
    fault === 'power loss of the broker'
      ? application
      : await simulation.run(start(machine.platform, client))
  await simulation.run(loading)
  await simulation.run(next.untilEnd())
  await simulation.run(() => next.state === 'RUNNING')
  const days = await simulation.run(daysOf(next))
  const changelog = await simulation.run(changelogOf(client))
  await simulation.run(next.close())
  const { hash, length } = simulation.trace
  const { restored } = next.metrics()
  return { days, changelog, traceHash: hash, traceLength: length, processedBefore, restored }
}

async function loadAirports(client: LogClient): Promise<void> {
  const topics = ['flights', 'airports', 'delays-by-city']
  await client.createTopics(topics.map(name => ({ name, partitions: 4 })))
  const records = airports().map(({ key, value }) => record(key, value))
  await produce(client, 'airports', records)
}

/** Flights come in while the application runs, so that there is a middle to be hit. */
async function loadFlights(client: LogClient, { timers }: Platform): Promise<void> {
  for (let at = 0; at < input.length; at += 50) {
    const part = input.slice(at, at + 50).map(({ key, value }) => record(key, value))
    await produce(client, 'flights', part)
    await pause(timers, 10)
  }
  await client.close()
}

type Delays = z.infer<typeof DayOfDelays>

async function daysOf(application: Application): Promise<Days> {
  const days: Days = {}
  const store = application.store<ReadOnlyWindowStore<string, Delays>>('delays')
  for await (const { key, windowStart, value } of store.all()) {
    days[`${key} ${windowStart}`] = `${value.flights} ${value.minutes}`
  }
  return days
}

/** Keys of the changelog: the key, then the start of the window (int64) and a sequence number (int32). */
async function changelogOf(client: LogClient): Promise<Days> {
  const days: Days = {}
  for (const [hex, row] of await foldTopic(client, 'flight-delays-delays-changelog')) {
    const key = Buffer.from(hex, 'hex')
    const at = key.length - 12
    const value = DayOfDelays.parse(JSON.parse(row.toString()))
    days[`${key.toString('utf8', 0, at)} ${key.readBigInt64BE(at)}`] =
      `${value.flights} ${value.minutes}`
  }
  return days
}

/** The result by a plain loop over the data. */
export function naive(): Days {
  const places = new Map(
    airports().map(({ key, value }) => [key, Airport.parse(JSON.parse(value))]),
  )
  const sums = new Map<string, Delays>()
  for (const { value } of input) {
    const { date, delay, origin } = Flight.parse(JSON.parse(value))
    const airport = places.get(origin)
    if (delay <= 0 || airport === undefined) continue
    const place = airport.city === 'NA' ? airport.name : `${airport.city}, ${airport.state}`
    const day = Date.parse(`${date.slice(0, 10).replaceAll('/', '-')}T00:00:00Z`)
    const sum = sums.get(`${place} ${day}`) ?? { flights: 0, minutes: 0 }
    sums.set(`${place} ${day}`, { flights: sum.flights + 1, minutes: sum.minutes + delay })
  }
  return Object.fromEntries([...sums].map(([day, sum]) => [day, `${sum.flights} ${sum.minutes}`]))
}
