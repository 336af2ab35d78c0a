import { expect, test } from 'vitest'
import { startBroker } from '../../src/broker/start-broker.ts'
import { createLogClient } from '../../src/client/kafka-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { simulate } from '../../src/platform/simulated/simulation.ts'
import { batchOf, valuesOf } from './records.ts'

interface Outcome {
  readonly read: string[][]
  readonly written: string[][]
  /** Connections that broke although both ends were well. */
  readonly breaks: number
  readonly hash: string
}

const partitions = [0, 1].map(partition => ({ topic: 't', partition }))

/**
 * A client writes and reads back over a network that breaks connections, while the power of the broker's machine fails
 * once. Everything is decided by the seed.
 */
async function run(seed: number): Promise<Outcome> {
  const world = simulate({ seed, resetChance: 0.02 })
  const host = world.machine('broker')
  const { platform } = world.machine('client')
  const address = { host: 'broker', port: 9092 }
  const serve = () =>
    startBroker({ platform: host.platform, host: 'broker', port: 9092, data: '/data' })

  const written: string[][] = [[], []]
  const read: string[][] = [[], []]
  const prepare = async (): Promise<void> => {
    await serve()
  }
  const work = async (): Promise<void> => {
    const connector = wireConnector(platform, { clientId: 'simulated' })
    await using client = createLogClient({ platform, bootstrap: [address], connector })
    await client.createTopics([{ name: 't', partitions: 2 }])
    const producer = await client.producer()
    for (let round = 0; round < 40; round += 1) {
      const sent = [0, 1, 2].map(part => {
        const values = [`${round}.${part}a`, `${round}.${part}b`]
        const partition = (round + part) % 2
        written[partition]?.push(...values)
        return producer.send([{ topic: 't', partition, batch: batchOf(values) }])
      })
      await Promise.all(sent)
      if (round === 20) {
        host.crash()
        host.restart()
        await serve()
      }
    }
    const consumer = client.consumer({ maxPartitionBytes: 200 })
    consumer.assign(partitions.map(partition => ({ ...partition, offset: 0 })))
    const count = written.flat().length
    while (read.flat().length < count) {
      for (const { partition, batches, offset } of await consumer.poll(1_000)) {
        read[partition]?.push(...valuesOf(batches, offset))
      }
    }
    const ends = await client.listOffsets(partitions, 'latest')
    expect(ends.map(({ offset }) => offset)).toEqual(written.map(({ length }) => length))
  }
  await world.run(prepare())
  await world.run(work())
  const { lines, hash } = world.trace
  const beforeCrash = lines.slice(
    0,
    lines.findIndex(line => line.endsWith('broker: crash')),
  )
  const breaks = beforeCrash.filter(line => line.endsWith('connection breaks')).length
  return { read, written, breaks, hash }
}

test('every record is written and read once and in order, and a seed tells the whole story', async () => {
  let breaks = 0
  for (const seed of [1, 2, 3, 4, 5]) {
    const once = await run(seed)
    expect(once.read, `seed ${seed}`).toEqual(once.written)
    expect((await run(seed)).hash, `seed ${seed}`).toBe(once.hash)
    breaks += once.breaks
  }
  expect(breaks).toBeGreaterThan(0)
})
