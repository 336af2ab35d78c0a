/**
 * Whatever is committed, in transactions and outside of them, deleted, compacted and replayed: a group has the offsets that a
 * simple model says, at any time and after any restart.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { brokerConfig } from '../../../src/broker/config.ts'
import {
  type GroupCoordinator,
  openGroupCoordinator,
} from '../../../src/broker/coordinator/group-coordinator.ts'
import { isPending } from '../../../src/broker/coordinator/pending-offsets.ts'
import { openTopics, type Topic, type Topics } from '../../../src/broker/topics.ts'
import { silentLogger as logger } from '../../../src/logger.ts'
import { makeDurableFolder } from '../../../src/platform/make-durable-folder.ts'
import { simulate } from '../../../src/platform/simulated/simulation.ts'
import { errorCode } from '../../../src/protocol/error-codes.ts'
import { consumerOffsetsTopic } from '../../../src/protocol/internal-topics.ts'

const GROUPS = ['g', 'h']
const TOPICS = ['t', 'u']
const MINUTE = 60_000

/** What a group has for one topic, and the order in which it was committed. */
interface Commit {
  readonly offset: number
  readonly order: number
}

/** Keys are group and topic. */
class Model {
  private readonly committed = new Map<string, Commit>()
  private readonly pending = new Map<bigint, Map<string, Commit>>()
  private order = 0

  commit(key: string, offset: number, producerId?: bigint): void {
    const commit = { offset, order: ++this.order }
    if (producerId === undefined) this.committed.set(key, commit)
    else this.pending.set(producerId, new Map(this.pending.get(producerId)).set(key, commit))
  }

  end(producerId: bigint, type: 'abort' | 'commit'): void {
    for (const [key, commit] of this.pending.get(producerId) ?? []) {
      const known = this.committed.get(key)
      if (type === 'commit' && (known === undefined || known.order < commit.order)) {
        this.committed.set(key, commit)
      }
    }
    this.pending.delete(producerId)
  }

  delete(key: string): void {
    this.committed.delete(key)
    for (const keys of this.pending.values()) keys.delete(key)
  }

  view(key: string): string {
    const isOpen = [...this.pending.values()].some(keys => keys.has(key))
    return `${this.committed.get(key)?.offset ?? 'none'}${isOpen ? ' pending' : ''}`
  }
}

const group = fc.constantFrom(...GROUPS)
const topic = fc.constantFrom(...TOPICS)
const producer = fc.constantFrom(7n, 8n, 9n)
const command = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('commit' as const), group, topic }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('commitIn' as const), group, topic, producer }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      producer,
      type: fc.constantFrom('abort' as const, 'commit' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), group, topic }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deleteGroup' as const), group }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('topicDeleted' as const), topic }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'compact' as const }) },
  { weight: 2, arbitrary: fc.constantFrom({ kind: 'close' as const }, { kind: 'crash' as const }) },
)

test('groups have what the model has, after every command', async () => {
  let replayedPending = 0
  let shrunk = 0
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.array(command, { minLength: 10, maxLength: 60, size: 'max' }),
      async (seed, commands) => {
        const simulation = simulate({ seed })
        const machine = simulation.machine('broker')
        const model = new Model()
        const config = brokerConfig()
        const offsetsTopic = {
          name: consumerOffsetsTopic,
          partitions: 1,
          configs: new Map([
            ['cleanup.policy', 'compact'],
            ['segment.bytes', '500'],
          ]),
        }
        let compactedTo = 0
        let leaderEpoch = 0

        /** The coordinator of groups alone: that of transactions would end those that it does not know. */
        async function start(): Promise<{ topics: Topics; groups: GroupCoordinator }> {
          const { platform } = machine
          const topics = await openTopics({ platform, folder: '/data', config, logger })
          const ensureTopic = (): Promise<Topic> => topics.ensure(offsetsTopic)
          leaderEpoch++
          const groups = openGroupCoordinator({
            platform,
            config,
            logger,
            topics,
            leaderEpoch,
            ensureTopic,
          })
          return { topics, groups }
        }

        await simulation.run(makeDurableFolder(machine.platform.files, '/data'))
        let { topics, groups } = await simulation.run(start())
        const close = async (): Promise<void> => {
          groups.stop()
          await topics.close()
        }
        for (const name of TOPICS) {
          await simulation.run(topics.create({ name, partitions: 1, configs: new Map() }))
        }
        await simulation.run(groups.ready())
        let offset = 0

        const offsetsOf = (name: string) => [
          { topic: name, partition: 0, offset: ++offset, leaderEpoch: -1, metadata: '' },
        ]
        const byHand = { memberId: '', instanceId: null, generation: -1 }

        async function run(what: (typeof commands)[number]): Promise<void> {
          switch (what.kind) {
            case 'commit': {
              const options = { unknownGroup: errorCode.ILLEGAL_GENERATION, retentionMs: -1 }
              const commit = { ...byHand, offsets: offsetsOf(what.topic) }
              const code = await simulation.run(groups.commit(what.group, commit, options))
              expect(code).toBe(errorCode.NONE)
              return model.commit(`${what.group} ${what.topic}`, offset)
            }
            case 'commitIn': {
              const code = await simulation.run(
                groups.commitTransactional(what.group, {
                  ...byHand,
                  producerId: what.producer,
                  producerEpoch: 0,
                  offsets: offsetsOf(what.topic),
                  verify: () => errorCode.NONE,
                }),
              )
              expect(code).toBe(errorCode.NONE)
              return model.commit(`${what.group} ${what.topic}`, offset, what.producer)
            }
            case 'end': {
              const log = topics.partition(consumerOffsetsTopic, 0)
              const { producer: producerId, type } = what
              const marker = { producerId, producerEpoch: 0, type, coordinatorEpoch: 0 }
              log?.appendMarker(marker, { leaderEpoch })
              groups.completeTransaction(0, producerId, type)
              await simulation.run(log?.durable(log.endOffset) ?? Promise.resolve())
              return model.end(producerId, type)
            }
            case 'delete': {
              const places = [{ topic: what.topic, partition: 0 }]
              await simulation.run(groups.deleteOffsets(what.group, places))
              return model.delete(`${what.group} ${what.topic}`)
            }
            case 'deleteGroup':
              await simulation.run(groups.deleteGroup(what.group))
              for (const name of TOPICS) model.delete(`${what.group} ${name}`)
              return
            case 'topicDeleted':
              groups.topicDeleted(what.topic)
              for (const name of GROUPS) model.delete(`${name} ${what.topic}`)
              // What nobody waits for may be lost; this is about what was written.
              await simulation.run(groups.deleteOffsets('unknown', []))
              await simulation.run(groups.read('unknown', () => ({})))
              return
            case 'compact': {
              const log = topics.partition(consumerOffsetsTopic, 0)
              const pause = (): Promise<void> => machine.platform.timers.yield()
              // Two days on, when tombstones and markers may go.
              compactedTo += 2 * 24 * 60 * MINUTE
              const now = machine.platform.clock.now() + compactedTo
              const before = log?.sizeInBytes ?? 0
              await simulation.run(log?.compact({ now, pause }) ?? Promise.resolve())
              if ((log?.sizeInBytes ?? 0) < before) shrunk++
              return
            }
            case 'close':
              await simulation.run(close())
              ;({ topics, groups } = await simulation.run(start()))
              return
            case 'crash':
              machine.crash()
              machine.restart()
              ;({ topics, groups } = await simulation.run(start()))
              return
          }
        }

        for (const what of commands) {
          await run(what)
          for (const name of GROUPS) {
            const found = groups.find(name)
            for (const topicName of TOPICS) {
              const committed = found?.offsets.get(topicName)?.get(0)?.offset ?? 'none'
              const isOpen = found !== undefined && isPending(found, topicName, 0)
              const view = `${committed}${isOpen ? ' pending' : ''}`
              expect(view, `${name} ${topicName}`).toBe(model.view(`${name} ${topicName}`))
              if (isOpen && (what.kind === 'close' || what.kind === 'crash')) replayedPending++
            }
          }
        }
        await simulation.run(close())
      },
    ),
    { numRuns: 150 },
  )
  expect(replayedPending).toBeGreaterThan(50)
  expect(shrunk).toBeGreaterThan(50)
})
