/** The clients that people use, logging in. */
import { Admin } from '@platformatic/kafka'
import { Kafka, logLevel, type SASLOptions } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../../src/broker/index.ts'

let broker: RunningBroker

beforeAll(async () => {
  broker = await startBroker({
    listeners: [{ name: 'SASL', sasl: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] }],
    users: [
      { name: 'alice', password: 'correct horse' },
      { name: 'odd,na=me', password: 'ünïcode=,\u0001' },
    ],
    topics: [{ name: 'words' }],
    config: { connectionFailedAuthenticationDelayMs: 0 },
  })
})

afterAll(() => broker.close())

const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
const users = [
  { username: 'alice', password: 'correct horse' },
  { username: 'odd,na=me', password: 'ünïcode=,\u0001' },
]
const wrong = [
  { username: 'alice', password: 'correct horsf' },
  { username: 'nobody', password: 'correct horse' },
]

describe.each(mechanisms)('%s', mechanism => {
  const kafkajs = async (user: { username: string; password: string }): Promise<string[]> => {
    const sasl = { mechanism: mechanism.toLowerCase(), ...user } as SASLOptions
    const admin = new Kafka({
      brokers: [broker.bootstrap],
      sasl,
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
    }).admin()
    try {
      await admin.connect()
      return await admin.listTopics()
    } finally {
      await admin.disconnect()
    }
  }
  const platformatic = async (user: { username: string; password: string }): Promise<string[]> => {
    const admin = new Admin({
      clientId: 'test',
      bootstrapBrokers: [broker.bootstrap],
      sasl: { mechanism, ...user },
      retries: 0,
    })
    try {
      return await admin.listTopics()
    } finally {
      await admin.close()
    }
  }

  test.each(users)('kafkajs as $username', async user => {
    expect(await kafkajs(user)).toEqual(['words'])
  })
  test.each(users)('@platformatic/kafka as $username', async user => {
    expect(await platformatic(user)).toEqual(['words'])
  })
  test.each(wrong)('kafkajs is refused as $username', async user => {
    await expect(kafkajs(user)).rejects.toThrow('Authentication failed')
  })
  test.each(wrong)('@platformatic/kafka is refused as $username', async user => {
    await expect(platformatic(user)).rejects.toThrow()
  })
})
