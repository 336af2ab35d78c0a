import { startBroker } from '../../src/broker/start-broker.ts'
import { createLogClient, type LogClientOptions } from '../../src/client/kafka-client.ts'
import type { GroupAdmin, LogClient } from '../../src/client/log-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import type { Platform } from '../../src/platform/platform.ts'
import { simulate } from '../../src/platform/simulated/simulation.ts'
import { pause } from '../../src/runtime/pause.ts'
import { CrashableEngine } from './crashable-engine.ts'

const address = { host: 'broker', port: 9092 }

type BrokerSettings = Parameters<typeof startBroker>[0]

/** A broker and a machine for applications in one simulation, in virtual time. */
export interface SimulatedLog {
  readonly platform: Platform
  readonly client: LogClient & GroupAdmin
  connect(options?: Partial<LogClientOptions>): LogClient
  /** What an application needs to run here. */
  readonly options: {
    readonly client: LogClient
    readonly platform: Platform
    readonly engine: CrashableEngine
    readonly stateFolder: string
  }
  /** The broker's machine loses its power. */
  crash(): void
  restart(): Promise<unknown>
  run<T>(work: Promise<T>): Promise<T>
  until(condition: () => boolean): Promise<void>
  pass(ms: number): Promise<void>
}

export async function simulatedLog(settings: BrokerSettings = {}): Promise<SimulatedLog> {
  const simulation = simulate({ seed: 1 })
  const broker = simulation.machine('broker')
  const { platform } = simulation.machine('app')
  const start = (on: Platform): Promise<unknown> =>
    simulation.run(startBroker({ ...settings, platform: on, data: '/broker', ...address }))
  await start(broker.platform)
  const connect = (options: Partial<LogClientOptions> = {}): LogClient & GroupAdmin =>
    createLogClient({
      platform,
      bootstrap: [address],
      connector: wireConnector(platform, { clientId: 'simulated' }),
      ...options,
    })
  return {
    platform,
    client: connect(),
    connect,
    options: { client: connect(), platform, engine: new CrashableEngine(), stateFolder: '/state' },
    crash: () => broker.crash(),
    restart: () => start(broker.restart()),
    run: work => simulation.run(work),
    until: condition => simulation.run(condition),
    pass: ms => simulation.run(pause(platform.timers, ms)),
  }
}
