/**
 * `millrace broker` as its users meet it: the time from the start of the process to the first record that is acknowledged
 * as durable, and the memory of the process once it has nothing to do. The client is warm; the command is the checkout's,
 * or the one named by the environment variable MILLRACE_BIN.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { startBroker } from '../src/broker/start-broker.ts'
import { wireConnector } from '../src/client/wire-connection.ts'
import { nodePlatform } from '../src/platform/node-platform.ts'
import type { Address } from '../src/platform/platform.ts'
import { produce } from '../src/protocol/messages/00-produce.ts'
import { RecordBatchBuilder } from '../src/protocol/record-batch-builder.ts'
import { latency, report } from './measure.ts'

const bin = process.env.MILLRACE_BIN ?? join(import.meta.dirname, '../bin/millrace.js')
const connector = wireConnector(nodePlatform(), { clientId: 'bench' })
const builder = new RecordBatchBuilder()
builder.append(null, Buffer.from('value'), 0, [])
const batch = builder.build()
let residentBytes = Infinity

{
  await using warm = await startBroker({ topics: [{ name: 'first' }] })
  await produceFirst(warm.address)
}
await latency('process start to first acknowledged produce', async () => {
  const data = mkdtempSync(join(tmpdir(), 'millrace-bench-broker-'))
  const broker = spawn(
    process.execPath,
    [bin, 'broker', '--port', '0', '--data', data, '--json', '--log-level', 'warn'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, MILLRACE_BROKER_TOPICS: '[{ name: first }]' },
    },
  )
  const [line]: Buffer[] = await once(broker.stdout, 'data')
  const ready: { listeners: [{ address: Address }] } = JSON.parse(String(line))
  await produceFirst(ready.listeners[0].address)
  return async () => {
    // What the start left behind is collected within seconds; nothing says when.
    await setTimeout(3000)
    const { stdout } = spawnSync('ps', ['-o', 'rss=', '-p', String(broker.pid)])
    residentBytes = Math.min(residentBytes, Number(stdout) * 1024)
    broker.kill('SIGTERM')
    await once(broker, 'exit')
    rmSync(data, { recursive: true })
  }
})
report('resident memory of an idle broker', residentBytes / 1e6, 'MB')

async function produceFirst(address: Address): Promise<void> {
  const connection = await connector(address)
  const { responses } = await connection.request(produce, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 10_000,
    topicData: [{ name: 'first', partitionData: [{ index: 0, records: Buffer.from(batch) }] }],
  })
  const errorCode = responses[0]?.partitionResponses[0]?.errorCode
  if (errorCode !== 0) throw new Error(`The record was refused with error ${errorCode}.`)
  await connection.close()
}
