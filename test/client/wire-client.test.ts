import { afterAll } from 'vitest'
import { startBroker } from '../../src/broker/start-broker.ts'
import type { RunningBroker } from '../../src/broker/start-broker.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { logClientContract } from './log-client-contract.ts'

let broker: RunningBroker | undefined
afterAll(() => broker?.close())

logClientContract('the wire client', async () => {
  broker = await startBroker({ flush: 'os' })
  const connector = wireConnector(nodePlatform(), { clientId: 'contract' })
  return { bootstrap: [broker.address], connector }
})
