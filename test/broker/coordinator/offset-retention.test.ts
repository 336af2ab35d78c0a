/** Groups that nobody needs any more go by themselves, and stay away when the broker starts again. */
import { expect, test } from 'vitest'
import { type Broker, openBroker } from '../../../src/broker/broker.ts'
import { simulate } from '../../../src/platform/simulated/simulation.ts'
import { errorCode } from '../../../src/protocol/error-codes.ts'

const MINUTE = 60_000
const byHand = { memberId: '', instanceId: null, generation: -1 }

test('offsets are kept for the retention time, over a restart too, and then they are gone for good', async () => {
  const simulation = simulate({ seed: 1 })
  const machine = simulation.machine('broker')
  const config = { offsetsRetentionMinutes: 60, offsetsTopicNumPartitions: 2 }
  const start = (): Promise<Broker> =>
    simulation.run(openBroker({ platform: machine.platform, folder: '/data', config }))
  const passed = async (ms: number): Promise<void> => {
    const until = simulation.nowMs + ms
    simulation.after(ms, () => undefined)
    await simulation.run(() => simulation.nowMs >= until)
  }
  const commit = async (groupId: string, topic: string, retentionMs = -1): Promise<void> => {
    const offsets = [{ topic, partition: 0, offset: 5, leaderEpoch: -1, metadata: '' }]
    const answer = broker.groups.commit(
      groupId,
      { ...byHand, offsets },
      { unknownGroup: errorCode.ILLEGAL_GENERATION, retentionMs },
    )
    expect(await simulation.run(answer)).toBe(errorCode.NONE)
  }
  const groups = (): string[] => broker.groups.groups().map(({ groupId }) => groupId)

  let broker = await start()
  for (const name of ['t', 'gone']) {
    await simulation.run(broker.topics.create({ name, partitions: 1, configs: new Map() }))
  }
  await commit('long', 't', 600 * MINUTE)
  await commit('usual', 't')
  await commit('short', 't', 5 * MINUTE)
  await commit('orphan', 'gone')
  await simulation.run(broker.topics.delete('gone'))
  expect(groups().sort()).toEqual(['long', 'orphan', 'short', 'usual'])
  await passed(12 * MINUTE)
  expect(groups().sort()).toEqual(['long', 'usual'])

  await simulation.run(broker.close())
  broker = await start()
  expect(groups().sort()).toEqual(['long', 'usual'])
  await passed(60 * MINUTE)
  expect(groups()).toEqual(['long'])

  await simulation.run(broker.close())
  broker = await start()
  expect(groups()).toEqual(['long'])
  await passed(600 * MINUTE)
  expect(groups()).toEqual([])
  await simulation.run(broker.close())
})

test('a topic that is deleted right before a crash and made again has no offsets', async () => {
  const simulation = simulate({ seed: 2 })
  const machine = simulation.machine('broker')
  const start = (): Promise<Broker> =>
    simulation.run(openBroker({ platform: machine.platform, folder: '/data' }))
  let broker = await start()
  const topic = { name: 't', partitions: 1, configs: new Map<string, string>() }
  await simulation.run(broker.topics.create(topic))
  const offsets = [{ topic: 't', partition: 0, offset: 5, leaderEpoch: -1, metadata: '' }]
  const options = { unknownGroup: errorCode.ILLEGAL_GENERATION, retentionMs: -1 }
  await simulation.run(broker.groups.commit('g', { ...byHand, offsets }, options))
  await simulation.run(broker.topics.delete('t'))
  machine.crash()
  machine.restart()
  broker = await start()
  await simulation.run(broker.topics.create(topic))
  expect(broker.groups.groups()).toEqual([])
  await simulation.run(broker.close())
  broker = await start()
  expect(broker.groups.groups()).toEqual([])
  await simulation.run(broker.close())
})
