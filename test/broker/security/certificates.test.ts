/** Who shows a certificate is known by it, unless the listener wants a login: then by the login. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../../src/broker/index.ts'
import {
  createLogClient,
  nodePlatform,
  type SaslOptions,
  wireConnector,
} from '../../../src/index.ts'

const path = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))
const pem = (name: string): Buffer => readFileSync(path(name))
const platform = nodePlatform()
const tls = { key: path('server.key'), cert: path('server.pem'), ca: path('ca.pem') }

const start = (superUser: string): Promise<RunningBroker> =>
  startBroker({
    listeners: [
      { name: 'SSL', tls: { ...tls, clientAuth: 'requested' } },
      { name: 'SASL_SSL', tls: { ...tls, clientAuth: 'requested' }, sasl: ['PLAIN'] },
    ],
    users: [{ name: 'alice', password: 'secret' }],
    topics: [{ name: 'words' }],
    config: { authorizer: true, superUsers: [superUser] },
  })

/** The topics that a client sees. */
async function seen(
  broker: RunningBroker,
  listener: number,
  options: { readonly certificate?: string; readonly sasl?: SaslOptions },
): Promise<string[]> {
  const { certificate, sasl } = options
  const connector = wireConnector(platform, {
    clientId: 'c',
    tls: {
      ca: pem('ca.pem'),
      ...(certificate && { key: pem(`${certificate}.key`), cert: pem(`${certificate}.pem`) }),
    },
    ...(sasl && { sasl }),
  })
  const bootstrap = broker.listeners.slice(listener, listener + 1).map(({ address }) => address)
  await using client = createLogClient({ platform, bootstrap, connector, retryTimeoutMs: 0 })
  return [...(await client.describeTopics()).keys()]
}

const sasl = { mechanism: 'PLAIN', username: 'alice', password: 'secret' } as const

test('by its certificate', async () => {
  await using broker = await start(
    'User:CN=client one,OU=Tests+UID=7,O=Mill\\, Race,L=City,ST=Some State,C=DE',
  )
  expect(await seen(broker, 0, { certificate: 'client' })).toEqual(['words'])
  expect(await seen(broker, 0, { certificate: 'named' })).toEqual([])
  expect(await seen(broker, 0, {})).toEqual([])
  expect(await seen(broker, 1, { certificate: 'client', sasl })).toEqual([])
})

test('by its login', async () => {
  await using broker = await start('User:alice')
  expect(await seen(broker, 1, { sasl })).toEqual(['words'])
  expect(await seen(broker, 1, { certificate: 'client', sasl })).toEqual(['words'])
  expect(await seen(broker, 0, { certificate: 'client' })).toEqual([])
  await expect(seen(broker, 1, { certificate: 'client' })).rejects.toMatchObject({
    code: 'CONNECTION_LOST',
  })
})
