/** When a broker says that clients should not be sent to it, and why. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'
import { createLogClient } from '../../src/client/kafka-client.ts'
import type { LogClient } from '../../src/client/log-client.ts'
import { fileError } from '../../src/platform/file-error.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import type { Platform } from '../../src/platform/platform.ts'
import { systemError } from '../../src/platform/simulated/system-error.ts'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'

let isFlushFailing: boolean
let isDiskFull: boolean
let broker: RunningBroker
let client: LogClient

const real = nodePlatform()
const platform: Platform = {
  ...real,
  files: {
    ...real.files,
    open(path, options) {
      const file = real.files.open(path, options)
      return {
        ...file,
        async sync() {
          if (isFlushFailing) throw fileError('flush', path, systemError('EIO'))
          await file.sync()
        },
      }
    },
    async replace(path, content) {
      if (isDiskFull) throw fileError('write', path, systemError('ENOSPC'))
      await real.files.replace(path, content)
    },
  },
}

beforeEach(async () => {
  isFlushFailing = false
  isDiskFull = false
  broker = await startBroker({ platform, topics: [{ name: 'words' }], metrics: {} })
  client = createLogClient({
    platform,
    bootstrap: [broker.address],
    connector: broker.connector(),
  })
})

afterEach(async () => {
  await client.close()
  await broker.close()
})

async function readyz(): Promise<{ status: number; body: string }> {
  const { host, port } = broker.metricsAddress ?? { host: '', port: 0 }
  const response = await fetch(`http://${host}:${port}/readyz`)
  return { status: response.status, body: await response.text() }
}

test('a partition whose flush failed is named', async () => {
  expect(await readyz()).toEqual({ status: 200, body: 'ready\n' })
  isFlushFailing = true
  const builder = new RecordBatchBuilder()
  builder.append(null, Buffer.from('value'), 0, [])
  const producer = await client.producer()
  void producer.send([{ topic: 'words', partition: 0, batch: builder.build() }]).catch(() => {})
  await expect.poll(async () => (await readyz()).status).toBe(503)
  expect((await readyz()).body).toMatch(/^The partition words-0 takes no more writes/)
  expect(broker.metrics()).toContain('kafka_server_replicamanager_offlinereplicacount 1\n')
})

test('a full disk is told of, and forgotten when there is space again', async () => {
  isDiskFull = true
  const { status, body } = await readyz()
  expect(status).toBe(503)
  expect(body).toMatch(/The disk is full: free some space\.\n$/)
  isDiskFull = false
  expect((await readyz()).status).toBe(200)
})
