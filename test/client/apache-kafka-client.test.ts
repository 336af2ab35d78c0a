/** Everything that a `LogClient` promises, against a real Apache Kafka in place of our broker. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { hasKafka, kafkaVersions } from '../interop/clients.ts'
import { startKafkaServer } from '../interop/kafka-server.ts'
import type { BrokerProcess } from '../torture/broker-process.ts'
import { logClientContract } from './log-client-contract.ts'

const version = kafkaVersions.at(-1) ?? ''
const folder = mkdtempSync(join(tmpdir(), 'millrace-apache-kafka-'))
let server: BrokerProcess | undefined

afterAll(async () => {
  await server?.kill()
  rmSync(folder, { recursive: true, force: true })
})

if (hasKafka(version)) {
  logClientContract(`the wire client and Apache Kafka ${version}`, async () => {
    server = await startKafkaServer(folder, { version })
    const [host = '', port] = server.bootstrap.split(':')
    const connector = wireConnector(nodePlatform(), { clientId: 'contract' })
    return { bootstrap: [{ host, port: Number(port) }], connector }
  })
}
