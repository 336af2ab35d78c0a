import { expect, test } from 'vitest'
import { startBroker } from '../../../src/broker/start-broker.ts'
import { createLogClient } from '../../../src/client/kafka-client.ts'
import { defineApp, json, logAndContinue, string } from '../../../src/index.ts'
import { nodePlatform } from '../../../src/platform/node-platform.ts'
import { RecordBatchBuilder } from '../../../src/protocol/record-batch-builder.ts'
import { startApplication } from '../../../src/runtime/application.ts'
import { CrashableEngine } from '../crashable-engine.ts'
import { produce, readAll, readText, record, temporaryFolder } from '../testbed.ts'

const platform = nodePlatform()
const text = { key: string(), value: string() }
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

test('records of all kinds are processed or become dead letters, and nothing else is lost', async () => {
  using folder = temporaryFolder()
  await using broker = await startBroker({ flush: 'os' })
  const connect = () =>
    createLogClient({ platform, bootstrap: [broker.address], connector: broker.connector() })
  await using client = connect()
  await client.createTopics([
    { name: 'in', partitions: 1, configs: { 'max.message.bytes': '20000000' } },
    { name: 'dead', partitions: 1, configs: { 'max.message.bytes': '20000000' } },
  ])
  const producer = await client.producer()
  const send = async (
    fill: (batch: RecordBatchBuilder) => void,
    codec = codecs[0] as (typeof codecs)[number],
  ) => {
    const builder = new RecordBatchBuilder()
    fill(builder)
    await producer.send([{ topic: 'in', partition: 0, batch: builder.build({ codec }) }])
  }
  const put = (
    batch: RecordBatchBuilder,
    key: string | null,
    value: string | Buffer | null,
    headers = 0,
  ) =>
    batch.append(
      key === null ? null : Buffer.from(key),
      value === null ? null : Buffer.from(value),
      1,
      Array.from({ length: headers }, (_, i) => ({ key: `h${i}`, value: Buffer.from('v') })),
    )
  for (const codec of codecs) await send(batch => put(batch, codec, '"x"'), codec)
  await send(batch => {
    put(batch, null, '"no key"')
    put(batch, 'no-value', null)
    put(batch, 'bytes', Buffer.from([0xff, 0xfe, 0x7b]))
    put(batch, 'empty', Buffer.alloc(0))
    put(batch, 'headers', '"h"', 5000)
  })
  // Larger than what a fetch asks for, and than the limit of the topic that it goes to.
  await send(batch => put(batch, 'large', JSON.stringify('l'.repeat(9 * 1024 * 1024))))
  await send(batch => put(batch, 'last', '"z"'))
  await producer.close()

  const app = defineApp(
    'app',
    builder => {
      const words = builder.stream('in', { key: string(), value: json<string | null>() })
      words.mapValues(value => String(value)).to('out', text)
      words.groupByKey().count({ store: 'counts' })
    },
    {
      deserializationExceptionHandler: logAndContinue,
      productionExceptionHandler: logAndContinue,
      deadLetterTopic: 'dead',
      deadLetterDroppedRecords: true,
    },
  )
  await using running = connect()
  const engine = new CrashableEngine()
  const options = { client: running, platform, engine, stateFolder: folder.path }
  await using application = await startApplication(app, options)
  await application.untilEnd()
  expect(await readText(client, 'out')).toEqual([
    ...codecs.map(codec => `${codec}=x`),
    'null=no key',
    'no-value=null',
    'headers=h',
    'last=z',
  ])
  const dead = await readAll(client, 'dead')
  expect(dead.map(({ key }) => String(key))).toEqual(
    expect.arrayContaining(['null', 'bytes', 'empty', 'large']),
  )
})

test.each(['exactlyOnce', 'atLeastOnce'] as const)(
  'a result that neither its topic nor that of the dead letters takes is left out (%s)',
  async processingGuarantee => {
    using folder = temporaryFolder()
    await using broker = await startBroker({ flush: 'os' })
    const connector = broker.connector()
    await using client = createLogClient({ platform, bootstrap: [broker.address], connector })
    await client.createTopics([{ name: 'in', partitions: 1 }])
    await produce(client, 'in', [record('k', 'a'), record('k', 'big'), record('k', 'b')])
    const app = defineApp(
      'app',
      builder => {
        const words = builder.stream('in', text)
        words.mapValues(value => value.repeat(value === 'big' ? 700_000 : 1)).to('out', text)
      },
      { productionExceptionHandler: logAndContinue, deadLetterTopic: 'dead' },
    )
    const engine = new CrashableEngine()
    const options = { client, platform, engine, stateFolder: folder.path, processingGuarantee }
    await using application = await startApplication(app, options)
    await application.untilEnd()
    expect(await readText(client, 'out')).toEqual(['k=a', 'k=b'])
    expect(await readText(client, 'dead')).toEqual([])
  },
)

test.each(['exactlyOnce', 'atLeastOnce'] as const)(
  'the error of a result that is refused is told, not that of its dead letter, which is refused too (%s)',
  async processingGuarantee => {
    using folder = temporaryFolder()
    await using broker = await startBroker({ flush: 'os' })
    const connector = broker.connector()
    await using client = createLogClient({ platform, bootstrap: [broker.address], connector })
    const configs = { 'max.message.bytes': '20000000' }
    await client.createTopics([{ name: 'in', partitions: 1, configs }])
    await produce(client, 'in', [record('k', 'x'.repeat(2_000_000))])
    const app = defineApp('app', builder => builder.stream('in', text).to('out'), {
      deadLetterTopic: 'dead',
    })
    const engine = new CrashableEngine()
    const options = { client, platform, engine, stateFolder: folder.path, processingGuarantee }
    await using application = await startApplication(app, options)
    await expect(application.finished).rejects.toMatchObject({
      message: expect.stringMatching(/\bout\b/),
    })
  },
)
