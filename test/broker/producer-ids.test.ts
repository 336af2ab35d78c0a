import { expect, test } from 'vitest'
import { openBroker } from '../../src/broker/broker.ts'
import { simulate } from '../../src/platform/simulated/simulation.ts'
import { batchOf } from './log/batches.ts'

const folder = '/data'

test('an id is given out once, though restarts come between and the file is lost', async () => {
  const simulation = simulate({ seed: 1 })
  const { platform } = simulation.machine('broker')
  const given = new Set<bigint>()
  for (let life = 0; life < 4; life++) {
    const broker = await simulation.run(openBroker({ platform, folder }))
    const topic = await simulation.run(
      broker.topics.ensure({ name: 't', partitions: 1, configs: new Map() }),
    )
    const ids = await simulation.run(
      Promise.all(Array.from({ length: 700 }, () => broker.producerIds.next())),
    )
    for (const id of ids) given.add(id)
    for (const id of [ids[0], ids.at(-1), 2n ** 60n]) {
      const producer = { id: id ?? 0n, epoch: life, sequence: 0 }
      const batch = batchOf(['value'], { producer, timestamp: platform.clock.now() })
      topic.partitions[0]?.append(batch, {
        leaderEpoch: broker.leaderEpoch,
        assignOffsets: true,
      })
    }
    await simulation.run(broker.close())
    if (life > 0) platform.files.remove(`${folder}/producer-ids`)
  }
  expect(given.size).toBe(4 * 700)
})
