import { afterAll } from 'vitest'
import { startBroker } from '../../src/broker/start-broker.ts'
import type { RunningBroker } from '../../src/broker/start-broker.ts'
import { logClientContract } from './log-client-contract.ts'

let broker: RunningBroker | undefined
afterAll(() => broker?.close())

logClientContract('the in-process client', async () => {
  broker = await startBroker({ flush: 'os' })
  return { bootstrap: [broker.address], connector: broker.connector() }
})
