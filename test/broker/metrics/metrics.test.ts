/** What the broker tells Prometheus: of each thing that happened, the number that says so. */
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../../src/broker/index.ts'
import { metricDefinitions } from '../../../src/broker/metrics/metric-definitions.ts'
import type { Connection } from '../../../src/client/connection.ts'
import { createLogClient } from '../../../src/client/kafka-client.ts'
import { wireConnector } from '../../../src/client/wire-connection.ts'
import { nodePlatform } from '../../../src/platform/node-platform.ts'
import { produce } from '../../../src/protocol/messages/00-produce.ts'
import { heartbeat } from '../../../src/protocol/messages/12-heartbeat.ts'
import { RecordBatchBuilder } from '../../../src/protocol/record-batch-builder.ts'

let broker: RunningBroker
let connection: Connection

beforeEach(async () => {
  broker = await startBroker({
    topics: [{ name: 'words', partitions: 2 }],
    metrics: { port: 0 },
  })
  connection = await wireConnector(nodePlatform(), { clientId: 'metrics' })(broker.address)
})

afterEach(async () => {
  await connection.close()
  await broker.close()
})

function batchOf(records: number): Buffer {
  const builder = new RecordBatchBuilder()
  for (let n = 0; n < records; n++) builder.append(null, Buffer.from('value'), 0, [])
  return builder.build()
}

async function send(topic: string, records: Buffer): Promise<void> {
  await connection.request(produce, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
  })
}

/** Everything in the first partition. */
async function read(): Promise<void> {
  const client = createLogClient({
    platform: nodePlatform(),
    bootstrap: [broker.address],
    connector: broker.connector(),
  })
  const consumer = client.consumer()
  consumer.assign([{ topic: 'words', partition: 0, offset: 0 }])
  while ((await consumer.poll(1000)).length === 0);
  await consumer.close()
  await client.close()
}

function line(text: string, start: string): string | undefined {
  return text.split('\n').find(each => each.startsWith(start))
}

const value = (start: string): number =>
  Number(line(broker.metrics(), start)?.slice(start.length + 1) ?? NaN)

describe('records', () => {
  test('that were produced and fetched', async () => {
    const records = batchOf(3)
    await send('words', records)
    await send('words', batchOf(2))
    await read()
    const metric = (name: string): number =>
      value(`kafka_server_brokertopicmetrics_${name}_total{topic="words"}`)
    expect(metric('messagesin')).toBe(5)
    expect(metric('bytesin')).toBeGreaterThan(records.length)
    expect(metric('bytesout')).toBe(metric('bytesin'))
    expect(metric('totalproducerequests')).toBe(2)
    expect(metric('failedproducerequests')).toBe(0)
    expect(value('kafka_log_log_logendoffset{topic="words",partition="0"}')).toBe(5)
    expect(value('kafka_log_log_size{topic="words",partition="0"}')).toBe(metric('bytesin'))
  })

  test('that were refused', async () => {
    await send('words', Buffer.from('nonsense'))
    expect(
      value('kafka_server_brokertopicmetrics_failedproducerequests_total{topic="words"}'),
    ).toBe(1)
    expect(
      value('kafka_network_requestmetrics_errors_total{request="Produce",error="CORRUPT_MESSAGE"}'),
    ).toBe(1)
  })
})

describe('requests', () => {
  test('by version, with their times', async () => {
    await send('words', batchOf(1))
    await send('words', batchOf(1))
    expect(
      value('kafka_network_requestmetrics_requests_total{request="Produce",version="11"}'),
    ).toBe(2)
    expect(value('kafka_network_requestmetrics_totaltimems_count{request="Produce"}')).toBe(2)
    expect(
      value('kafka_network_requestmetrics_totaltimems_bucket{request="Produce",le="+Inf"}'),
    ).toBe(2)
  })

  test('by their errors, wherever these stand in the response', async () => {
    await connection.request(heartbeat, {
      groupId: 'none',
      generationId: 1,
      memberId: 'x',
      groupInstanceId: null,
    })
    const errors = 'kafka_network_requestmetrics_errors_total{request="Heartbeat"'
    expect(value(`${errors},error="UNKNOWN_MEMBER_ID"}`)).toBe(1)
  })
})

test('flushes and connections', async () => {
  await send('words', batchOf(1))
  expect(value('kafka_log_logflushstats_logflushrateandtimems_count')).toBeGreaterThan(0)
  expect(value('kafka_server_socketservermetrics_connection_count{listener="PLAINTEXT"}')).toBe(1)
})

test('offsets of groups, and transactions by their state', async () => {
  const kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({
    transactionalId: 't',
    maxInFlightRequests: 1,
    idempotent: true,
  })
  await producer.connect()
  const transaction = await producer.transaction()
  await transaction.send({ topic: 'words', messages: [{ value: 'x', partition: 0 }] })
  expect(value('millrace_transactional_ids{state="Ongoing"}')).toBe(1)
  expect(value('millrace_log_laststableoffset{topic="words",partition="0"}')).toBe(0)
  await transaction.commit()
  await producer.disconnect()
  expect(value('millrace_transactional_ids{state="CompleteCommit"}')).toBe(1)
  expect(value('millrace_log_laststableoffset{topic="words",partition="0"}')).toBe(2)
  const admin = kafka.admin()
  await admin.connect()
  await admin.setOffsets({
    groupId: 'g',
    topic: 'words',
    partitions: [{ partition: 0, offset: '1' }],
  })
  await admin.disconnect()
  expect(value('kafka_coordinator_group_groupmetadatamanager_numgroups')).toBe(1)
  expect(value('kafka_coordinator_group_groupmetadatamanager_numoffsets')).toBe(1)
})

test('logins that failed', async () => {
  await using secured = await startBroker({ listeners: [{ name: 'LOGIN', sasl: ['PLAIN'] }] })
  const sasl = { mechanism: 'plain', username: 'nobody', password: 'wrong' } as const
  const retry = { retries: 0 }
  const brokers = [secured.bootstrap]
  const admin = new Kafka({ brokers, sasl, retry, logLevel: logLevel.NOTHING }).admin()
  await expect(admin.connect()).rejects.toThrow()
  const failed = 'kafka_server_socketservermetrics_failed_authentication_total{listener="LOGIN"}'
  await expect.poll(() => line(secured.metrics(), failed)).toBe(`${failed} 1`)
})

test('every metric has a name of its own that Prometheus takes', () => {
  const names = metricDefinitions.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const name of names) expect(name).toMatch(/^(kafka|millrace)_[a-z_]+$/)
})

describe('over HTTP', () => {
  async function get(path: string, method = 'GET'): Promise<{ status: number; body: string }> {
    const { host, port } = broker.metricsAddress ?? { host: '', port: 0 }
    const response = await fetch(`http://${host}:${port}${path}`, { method })
    return { status: response.status, body: await response.text() }
  }

  test('the metrics, with those of the process', async () => {
    const { status, body } = await get('/metrics')
    expect(status).toBe(200)
    expect(line(body, 'kafka_server_replicamanager_partitioncount')).toMatch(/ 2$/)
    expect(body).toContain('process_resident_memory_bytes')
    // Every line is a comment or a sample.
    const sample = /^[a-z0-9_:]+(\{([a-z_]+="[^"]*",?)+\})? (-?[\d.e+-]+|NaN)$/i
    for (const each of body.trim().split('\n')) {
      if (!each.startsWith('#') && each !== '') expect(each).toMatch(sample)
    }
  })

  test('health and readiness', async () => {
    expect(await get('/healthz')).toEqual({ status: 200, body: 'alive\n' })
    expect(await get('/readyz')).toEqual({ status: 200, body: 'ready\n' })
  })

  test('nothing else', async () => {
    expect((await get('/')).status).toBe(404)
    expect((await get('/metrics', 'POST')).status).toBe(405)
  })

  test('nothing after the end', async () => {
    await broker.close()
    await expect(get('/healthz')).rejects.toThrow()
  })
})

test('without the option nothing listens', async () => {
  await using quiet = await startBroker()
  expect(quiet.metricsAddress).toBeNull()
})
