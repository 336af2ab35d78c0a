import { startBroker } from '../../src/broker/start-broker.ts'
import { createLogClient } from '../../src/client/kafka-client.ts'
import type { LogClient } from '../../src/client/log-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { FakeLog } from './fake-log-client.ts'

/** A log to test against. Each client is a process of its own, as far as the log can tell. */
export interface TestLog extends AsyncDisposable {
  client(): LogClient
}

const platform = nodePlatform()

async function fake(): Promise<TestLog> {
  const log = new FakeLog(platform.timers)
  return { client: () => log.client(), [Symbol.asyncDispose]: async () => {} }
}

async function broker(transport: 'in process' | 'over TCP'): Promise<TestLog> {
  const running = await startBroker({ flush: 'os' })
  const clients: LogClient[] = []
  return {
    client() {
      const connector =
        transport === 'in process'
          ? running.connector()
          : wireConnector(platform, { clientId: 'test' })
      const client = createLogClient({ platform, bootstrap: [running.address], connector })
      clients.push(client)
      return client
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.close()
      await running.close()
    },
  }
}

export const logs: readonly (readonly [name: string, open: () => Promise<TestLog>])[] = [
  ['a fake log', fake],
  ['a broker in process', () => broker('in process')],
  ['a broker over TCP', () => broker('over TCP')],
]
