import { startBroker } from '../../src/broker/start-broker.ts'
import { createLogClient, type LogClientOptions } from '../../src/client/kafka-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import type { Platform } from '../../src/platform/platform.ts'
import { simulate } from '../../src/platform/simulated/simulation.ts'
import { pause } from '../../src/runtime/pause.ts'
import { CrashableEngine } from './crashable-engine.ts'

const address = { host: 'broker', port: 9092 }

/** A broker and a machine for applications in one simulation, in virtual time. */
export async function simulatedLog(settings: Parameters<typeof startBroker>[0] = {}) {
  const simulation = simulate({ seed: 1 })
  const broker = simulation.machine('broker')
  const { platform } = simulation.machine('app')
  const startIt = () =>
    simulation.run(
      startBroker({ ...settings, platform: broker.platform, data: '/broker', ...address }),
    )
  await startIt()
  const connect = (options: Partial<LogClientOptions> = {}) => connectTo(platform, options)
  return {
    simulation,
    platform,
    client: connect(),
    connect,
    /** What an application needs to run here. */
    options: { client: connect(), platform, engine: new CrashableEngine(), stateFolder: '/state' },
    crash: () => broker.crash(),
    restart: startIt,
    run: <T>(work: Promise<T>) => simulation.run(work),
    until: (condition: () => boolean) => simulation.run(condition),
    pass: (ms: number) => simulation.run(pause(platform.timers, ms)),
  }
}

function connectTo(platform: Platform, options: Partial<LogClientOptions>) {
  const connector = wireConnector(platform, { clientId: 'simulated' })
  return createLogClient({ platform, bootstrap: [address], connector, ...options })
}
