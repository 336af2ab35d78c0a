/** An application with exactly the rights that docs/production.md lists, on Millrace's broker and on Apache Kafka. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from 'kafkajs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../../src/broker/index.ts'
import { createLogClient } from '../../src/client/kafka-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import app from '../../examples/kubernetes/app.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { hasKafka, kafkaVersions } from '../interop/clients.ts'
import { startKafkaServer } from '../interop/kafka-server.ts'

const resources = {
  Topic: AclResourceTypes.TOPIC,
  Group: AclResourceTypes.GROUP,
  TransactionalId: AclResourceTypes.TRANSACTIONAL_ID,
}
const operations = {
  Read: AclOperationTypes.READ,
  Write: AclOperationTypes.WRITE,
  Create: AclOperationTypes.CREATE,
  Delete: AclOperationTypes.DELETE,
  DescribeConfigs: AclOperationTypes.DESCRIBE_CONFIGS,
}
interface Right {
  readonly resource: string
  readonly name: string
  readonly operation: string
}

/** The rows of the page, one for each operation: `| Topic | order-totals-* | Read, Write | … |`. */
const page = readFileSync(new URL('../../docs/production.md', import.meta.url), 'utf8')
const rights: readonly Right[] = [
  ...page.matchAll(/^\| (Topic|Group|TransactionalId) \| `([\w*-]+)` \| ([\w, ]+) \|/gm),
].flatMap(([, resource = '', name = '', list = '']) =>
  list.split(', ').map(operation => ({ resource, name, operation })),
)

function valueOf<T>(values: Readonly<Record<string, T>>, name: string): T {
  const value = values[name]
  if (value === undefined) throw new Error(`The page has the unknown word ${name}.`)
  return value
}

async function grant(bootstrap: string, granted: readonly Right[]): Promise<void> {
  const sasl = { mechanism: 'plain', username: 'admin', password: 'of-admin' } as const
  const kafka = new Kafka({ brokers: [bootstrap], sasl, logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'orders' }, { topic: 'totals' }] })
  const acl = granted.map(({ resource, name, operation }) => ({
    principal: 'User:app',
    host: '*',
    permissionType: AclPermissionTypes.ALLOW,
    resourceType: valueOf(resources, resource),
    operation: valueOf(operations, operation),
    resourceName: name.replace('*', ''),
    resourcePatternType: name.endsWith('*')
      ? ResourcePatternTypes.PREFIXED
      : ResourcePatternTypes.LITERAL,
  }))
  await admin.createAcls({ acl })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  const messages = ['ali', 'baba', 'ali'].map(value => ({ key: 'k', value, timestamp: '1' }))
  await producer.send({ topic: 'orders', messages })
  await producer.disconnect()
}

function clientAt(bootstrap: string) {
  const [host = '', port] = bootstrap.split(':')
  const platform = nodePlatform()
  const sasl = { mechanism: 'PLAIN', username: 'app', password: 'of-app' } as const
  const connector = wireConnector(platform, { clientId: 'app', sasl })
  return createLogClient({ platform, bootstrap: [{ host, port: Number(port) }], connector })
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-rights-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function securedBroker(): Promise<string> {
  const broker = await startBroker({
    listeners: [{ name: 'SASL', sasl: ['PLAIN'] }],
    users: ['admin', 'app'].map(name => ({ name, password: `of-${name}` })),
    config: { authorizer: true, superUsers: ['User:admin'], autoCreateTopics: false },
  })
  onTestFinished(() => broker.close())
  return broker.bootstrap
}

async function securedKafka(): Promise<string> {
  const users = 'user_admin="of-admin" user_app="of-app"'
  const settings = {
    'listener.security.protocol.map': 'PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.plaintext.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="of-admin" ${users};`,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:admin;User:ANONYMOUS',
    'auto.create.topics.enable': 'false',
  }
  const server = await startKafkaServer(temporaryFolder(), { settings })
  onTestFinished(() => server.kill())
  return server.bootstrap
}

/** Runs the application over what there is; the second time its internal topics exist and its state does not. */
async function run(bootstrap: string): Promise<{ warnings: string[]; processed: number }> {
  const warnings: string[] = []
  const ignore = (): void => {}
  const note = (_: object, message: string): void => void warnings.push(message)
  const logger = { debug: ignore, info: ignore, warn: note, error: note }
  await using client = clientAt(bootstrap)
  await using application = await startApplication(app, {
    client,
    logger,
    stateFolder: temporaryFolder(),
  })
  const { processed } = await application.untilEnd()
  return { warnings, processed }
}

async function serves(bootstrap: string): Promise<void> {
  await grant(bootstrap, rights)
  expect(await run(bootstrap)).toEqual({ warnings: [], processed: 3 })
  expect(await run(bootstrap)).toEqual({ warnings: [], processed: 0 })
  await using client = clientAt(bootstrap)
  const topic = 'order-totals-by-customer-repartition'
  await client.deleteRecords([{ topic, partition: 0, offset: 1 }])
}

test('the page lists rights', () => expect(rights.length).toBeGreaterThan(5))

describe('with the rights that the page lists', () => {
  test('an application works on the bundled broker', async () => {
    await serves(await securedBroker())
  })

  const version = kafkaVersions.at(-1) ?? ''
  test.runIf(hasKafka(version))('it works on Apache Kafka', { timeout: 60_000 }, async () => {
    await serves(await securedKafka())
  })

  const needed = rights.filter(({ operation }) => !/^(Delete|DescribeConfigs)$/.test(operation))
  test.each(needed)('without $operation on $resource $name it says so', async missing => {
    const bootstrap = await securedBroker()
    await grant(
      bootstrap,
      rights.filter(right => right !== missing),
    )
    await expect(run(bootstrap)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
  })
})
