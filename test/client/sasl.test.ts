/** The client of Millrace logs in at its broker. */
import { describe, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'
import type { LogClient } from '../../src/client/log-client.ts'
import { createLogClient } from '../../src/client/kafka-client.ts'
import type { SaslOptions } from '../../src/client/sasl.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'

const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
const platform = nodePlatform()
const username = 'o=h, näme'
const password = 'p\u{1F511}=,'

function startSecured(): Promise<RunningBroker> {
  return startBroker({
    listeners: [{ name: 'SASL', sasl: mechanisms }],
    users: [{ name: username, password }],
    topics: [{ name: 'words' }],
    config: { connectionFailedAuthenticationDelayMs: 0 },
  })
}

function clientOf(broker: RunningBroker, sasl?: SaslOptions): LogClient & AsyncDisposable {
  const connector = wireConnector(platform, { clientId: 'c', ...(sasl && { sasl }) })
  return createLogClient({ platform, bootstrap: [broker.address], connector, retryTimeoutMs: 0 })
}

describe.each(mechanisms)('%s', mechanism => {
  test('who knows the password is served, on all connections', async () => {
    await using broker = await startSecured()
    await using client = clientOf(broker, { mechanism, username, password })
    const producer = await client.producer()
    await producer.close()
    expect([...(await client.describeTopics()).keys()]).toEqual(['words'])
  })

  test('who does not know it is told so at once, and each time', async () => {
    await using broker = await startSecured()
    await using client = clientOf(broker, { mechanism, username, password: 'guess' })
    for (let i = 0; i < 2; i++) {
      await expect(client.describeTopics()).rejects.toMatchObject({
        code: 'LOG_ERROR',
        message: expect.stringMatching(/could not log in by .*SASL_AUTHENTICATION_FAILED/),
      })
    }
  })
})

test('who does not log in is not served', async () => {
  await using broker = await startSecured()
  await using client = clientOf(broker)
  await expect(client.describeTopics()).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
})

test('a mechanism that the broker does not offer is named with those that it does', async () => {
  await using broker = await startBroker({ listeners: [{ name: 'S', sasl: ['SCRAM-SHA-512'] }] })
  await using client = clientOf(broker, { mechanism: 'PLAIN', username, password })
  await expect(client.describeTopics()).rejects.toMatchObject({
    code: 'LOG_ERROR',
    message: expect.stringContaining('SCRAM-SHA-512'),
  })
})

test('the login is repeated before the broker stops to believe it', async () => {
  let nowMs = 0
  const clock = { ...platform.clock, now: () => nowMs, monotonic: () => nowMs }
  await using broker = await startBroker({
    platform: { ...platform, clock },
    listeners: [{ name: 'SASL', sasl: mechanisms }],
    users: [{ name: username, password }],
    config: { connectionsMaxReauthMs: 1000 },
  })
  const scheduled: { readonly delayMs: number; readonly callback: () => void }[] = []
  const timers = {
    ...platform.timers,
    schedule(delayMs: number, callback: () => void) {
      scheduled.push({ delayMs, callback })
      return { cancel() {} }
    },
  }
  const sasl = { mechanism: 'SCRAM-SHA-256', username, password } as const
  const connect = wireConnector({ ...platform, timers }, { clientId: 'c', sasl })
  const ask = { topics: [], allowAutoTopicCreation: false }
  const connection = await connect(broker.address)
  const late = await connect(broker.address)
  nowMs = 850
  const renewals = scheduled.filter(({ delayMs }) => delayMs === 850)
  expect(renewals).toHaveLength(2)
  renewals[0]?.callback()
  // Sent while the login is repeated, it waits for that.
  await connection.request(metadata, ask)
  nowMs = 1849
  await connection.request(metadata, ask)
  await expect(late.request(metadata, ask)).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
  nowMs = 1850
  await expect(connection.request(metadata, ask)).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
})
