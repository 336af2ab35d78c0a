import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type {
  GroupAssignment,
  GroupMember,
  GroupMemberInfo,
  GroupOptions,
  LogClient,
} from '../../src/client/log-client.ts'
import { newTopic } from './contract-world.ts'
import type { ContractWorld } from './contract-world.ts'
import { handOver, settleClaims } from '../../src/runtime/hand-over.ts'
import { delayedConnector, lossyConnector, silencedConnector } from './lossy-connector.ts'

/** A member that notes what happens to it. */
interface Watched {
  readonly member: GroupMember
  /** What happened so far, in order, such as `assigned 0,1`. */
  readonly events: string[]
  /** Partitions it has now. */
  share(): number[]
  generation(): number
  /** What the leader sent along with the share. */
  userData(): string
  /** Resolves once the condition holds. */
  until(condition: () => boolean): Promise<void>
}

interface Behaviour extends Partial<GroupOptions> {
  /** What it does with partitions before it gives them up. */
  readonly release?: (partitions: readonly number[]) => Promise<void>
}

/** What happened to a member, without generations that changed nothing for it. */
function changes({ events }: Watched): string[] {
  return events.filter((event, i) => event !== events[i - 1])
}

function join(
  client: LogClient,
  group: string,
  topic: string,
  partitions: number,
  { release = async () => {}, ...more }: Behaviour = {},
): Watched {
  const events: string[] = []
  const waiting = new Set<() => void>()
  let held: number[] = []
  let given: number[] = []
  let generation = -1
  let userData = ''
  const happened = (event: string): void => {
    events.push(event)
    for (const check of waiting) check()
  }
  const giveUp = async (share: readonly number[], revoked: readonly number[]): Promise<void> => {
    await release(revoked)
    held = [...share]
    happened(`released ${revoked.join(',')}`)
    member.rejoin()
  }
  const member = client.joinGroup({
    group,
    topics: [topic],
    get userData() {
      return Buffer.from(JSON.stringify([...new Set([...held, ...given])]))
    },
    protocol: 'test',
    sessionTimeoutMs: 6_000,
    rebalanceTimeoutMs: 10_000,
    assign: async members => shareOut(members, topic, partitions),
    assigned: (assignment, newGeneration) => {
      userData = assignment.userData.toString()
      given = assignment.partitions.map(each => each.partition).sort((a, b) => a - b)
      generation = newGeneration
      const revoked = held.filter(partition => !given.includes(partition))
      held = [...new Set([...held, ...given])]
      happened(`assigned ${given.join(',')}`)
      if (revoked.length > 0) void giveUp(given, revoked)
    },
    lost: async () => {
      await new Promise(resolve => setImmediate(resolve))
      held = []
      given = []
      happened('lost')
    },
    failed: error => happened(`failed ${error.message}`),
    ...more,
  })
  return {
    member,
    events,
    share: () => held,
    generation: () => generation,
    userData: () => userData,
    until: condition =>
      new Promise(resolve => {
        const check = (): void => {
          if (!condition()) return
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      }),
  }
}

/** Every partition to one member, in turns, once whoever has it has given it up. */
function shareOut(
  members: readonly GroupMemberInfo[],
  topic: string,
  partitions: number,
): GroupAssignment[] {
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
  const all = Array.from({ length: partitions }, (_, partition) => `${partition}`)
  const wanted = sorted.map(({ memberId }, index): [string, string[]] => [
    memberId,
    all.filter(partition => Number(partition) % sorted.length === index),
  ])
  const claims = members.map(({ memberId, generation, userData }) => ({
    memberId,
    generation,
    owned: z.array(z.number()).parse(JSON.parse(userData.toString())).map(String),
  }))
  return [...handOver(settleClaims(claims), new Map(wanted))].map(([memberId, { tasks }]) => ({
    memberId,
    userData: Buffer.from(`of ${sorted.length}`),
    partitions: tasks.map(partition => ({ topic, partition: Number(partition) })),
  }))
}

export function groupContract(world: ContractWorld): void {
  describe('a group', () => {
    test('of one member gives it everything, and keeps what it commits', async () => {
      const { topic, client } = await newTopic(world, 3)
      const group = world.name('group')
      const only = join(client, group, topic, 3, {
        assign: async members => {
          expect(members).toEqual([expect.objectContaining({ instanceId: null, topics: [topic] })])
          expect(members[0]?.userData.toString()).toBe('[]')
          expect(members[0]?.generation).toBe(-1)
          return shareOut(members, topic, 3)
        },
      })
      await only.until(() => only.share().length === 3)
      expect(only.events).toEqual(['assigned 0,1,2'])
      expect(only.userData()).toBe('of 1')
      await only.member.commit([
        { topic, partition: 0, offset: 5, metadata: 'five' },
        { topic, partition: 2, offset: 7, metadata: '' },
      ])
      const all = [0, 1, 2].map(partition => ({ topic, partition }))
      expect(await client.committedOffsets(group, all)).toEqual([
        { topic, partition: 0, offset: 5, metadata: 'five' },
        { topic, partition: 2, offset: 7, metadata: '' },
      ])
      await only.member.leave()
      await expect(
        only.member.commit([{ topic, partition: 0, offset: 6, metadata: '' }]),
      ).rejects.toMatchObject({ code: 'TASK_MIGRATED' })
    })

    test('is described, and its offsets are set from outside while it has no members', async () => {
      const { topic, client } = await newTopic(world, 2)
      const group = world.name('group')
      expect(await client.describeGroup(group)).toEqual({ state: 'Dead', members: [] })
      const offsets = [
        { topic, partition: 0, offset: 3, metadata: 'three' },
        { topic, partition: 1, offset: 0, metadata: '' },
      ]
      await client.commitOffsets(group, offsets)
      const both = [0, 1].map(partition => ({ topic, partition }))
      expect(await client.committedOffsets(group, both)).toEqual(offsets)
      expect(await client.describeGroup(group)).toEqual({ state: 'Empty', members: [] })

      const only = join(client, group, topic, 2, { instanceId: 'static-one' })
      await only.until(() => only.share().length === 2)
      const described = await client.describeGroup(group)
      expect(described).toMatchObject({ state: 'Stable', members: [{ instanceId: 'static-one' }] })
      await expect(client.commitOffsets(group, offsets)).rejects.toMatchObject({
        code: 'GROUP_NOT_EMPTY',
      })
      await only.member.leave()
    })

    test('keeps the place of a static member that ends without a word, until it leaves', async () => {
      const { topic, client } = await newTopic(world, 2)
      const group = world.name('group')
      const first = join(client, group, topic, 2, { instanceId: 'place' })
      await first.until(() => first.share().length === 2)
      await first.member.close()
      const kept = await client.describeGroup(group)
      expect(kept).toMatchObject({ state: 'Stable', members: [{ instanceId: 'place' }] })
      const again = join(client, group, topic, 2, { instanceId: 'place' })
      await again.until(() => again.share().length === 2)
      expect(again.generation()).toBe(first.generation())
      await again.member.leave()
      expect(await client.describeGroup(group)).toEqual({ state: 'Empty', members: [] })
    })

    test('a static member leaves although its first join is unanswered', async () => {
      const { topic, client } = await newTopic(world, 2)
      const group = world.name('group')
      const first = join(client, group, topic, 2, { instanceId: 'first' })
      await first.until(() => first.share().length === 2)
      // The group waits for the other one before it answers, which has no time to come.
      const waiting = join(world.client(), group, topic, 2, { instanceId: 'waiting' })
      const members = async () => (await client.describeGroup(group)).members.length
      await first.member.close()
      while ((await members()) < 2) await new Promise(resolve => setImmediate(resolve))
      await waiting.member.leave()
      const left = (await client.describeGroup(group)).members
      expect(left.map(({ instanceId }) => instanceId)).toEqual(['first'])
      await client.removeMembers(group)
    })

    test('loses its members to an administrator; those that are alive come back', async () => {
      const { topic, client } = await newTopic(world, 2)
      const group = world.name('group')
      // Closing the client does not take a static member out of its group.
      const gone = world.client()
      const dead = join(gone, group, topic, 2, { instanceId: 'dead' })
      await dead.until(() => dead.share().length === 2)
      await gone.close()
      expect((await client.describeGroup(group)).members).toHaveLength(1)
      await client.removeMembers(group)
      expect((await client.describeGroup(group)).members).toEqual([])
      await client.removeMembers(group)

      const alive = join(world.client(), group, topic, 2)
      await alive.until(() => alive.share().length === 2)
      await client.removeMembers(group)
      await alive.until(() => alive.events.filter(event => event === 'assigned 0,1').length === 2)
      await alive.member.leave()
    })

    test('of two members is shared out without gap or overlap, and falls to the one that stays', async () => {
      const { topic, client } = await newTopic(world, 4)
      const group = world.name('group')
      const one = join(client, group, topic, 4)
      await one.until(() => one.share().length === 4)
      const two = join(world.client(), group, topic, 4)
      await Promise.all([
        one.until(() => one.share().length === 2),
        two.until(() => two.share().length === 2),
      ])
      // Who hears of a generation first is not said.
      await one.until(() => one.generation() === two.generation())
      expect([...one.share(), ...two.share()].sort((a, b) => a - b)).toEqual([0, 1, 2, 3])
      const [kept, moved] = [one.share(), two.share()]
      expect(changes(one)).toEqual([
        'assigned 0,1,2,3',
        `assigned ${kept.join(',')}`,
        `released ${moved.join(',')}`,
        `assigned ${kept.join(',')}`,
      ])
      // What moves is nobody's until its owner has given it up.
      expect(changes(two)).toEqual(['assigned ', `assigned ${moved.join(',')}`])

      await two.member.leave()
      await one.until(() => one.share().length === 4)
      expect(one.events.at(-1)).toBe('assigned 0,1,2,3')
    })

    test('takes what a member commits of partitions before it gives them up', async () => {
      const { topic, client } = await newTopic(world, 2)
      const group = world.name('group')
      const one: Watched = join(client, group, topic, 2, {
        release: async revoked => {
          await one.member.commit(
            revoked.map(partition => ({ topic, partition, offset: 11, metadata: '' })),
          )
        },
      })
      await one.until(() => one.share().length === 2)
      const two = join(world.client(), group, topic, 2)
      await two.until(() => two.share().length === 1)
      const [committed] = await client.committedOffsets(group, [
        { topic, partition: two.share()[0] ?? -1 },
      ])
      expect(committed?.offset).toBe(11)
    })

    test('takes commits while it waits for a member, in transactions, too', async () => {
      const { topic, client } = await newTopic(world, 4)
      const group = world.name('group')
      const slow = slowJoins(world)
      const one = join(client, group, topic, 4)
      await one.until(() => one.share().length === 4)
      const two = join(slow.client, group, topic, 4)
      await two.until(() => two.share().length === 2)
      await one.until(() => one.generation() === two.generation())
      const share = one.share()
      const { generation } = one.member.identity()
      slow.hold()
      const three = join(world.client(), group, topic, 4)
      await slow.held
      // Everybody but two waits for the next generation now, and works on.
      const [at, other] = share
      await one.member.commit([{ topic, partition: at ?? -1, offset: 3, metadata: '' }])
      const producer = await client.transactionalProducer({ transactionalId: world.name('id') })
      const offset = { topic, partition: other ?? -1, offset: 4, metadata: '' }
      await producer.sendOffsets([offset], one.member)
      await producer.commit()
      expect(one.member.identity().generation).toBe(generation)
      expect(one.share()).toEqual(share)
      slow.release()
      await three.until(() => three.share().length > 0)
      const committed = await client.committedOffsets(
        group,
        share.map(partition => ({ topic, partition })),
      )
      expect(committed.map(each => each.offset)).toEqual([3, 4])
      expect([...one.events, ...two.events]).not.toContain('lost')
    })

    test('takes a commit that a new generation overtakes, in a transaction, too', async () => {
      const { topic, client } = await newTopic(world, 2)
      const group = world.name('group')
      const one = join(client, group, topic, 2)
      await one.until(() => one.share().length === 2)
      const stale = one.member.identity()
      const two = join(world.client(), group, topic, 2)
      await two.until(() => two.share().length === 1)
      await one.until(() => one.generation() === two.generation())
      const newest = one.member.identity()
      expect(newest.generation).toBeGreaterThan(stale.generation)
      expect(await one.member.renewed(stale)).toEqual(newest)
      const partition = { topic, partition: one.share()[0] ?? -1 }
      const producer = await client.transactionalProducer({ transactionalId: world.name('id') })
      let asked = 0
      await producer.sendOffsets([{ ...partition, offset: 5, metadata: '' }], {
        identity: () => stale,
        renewed: async refused => {
          asked += 1
          return one.member.renewed(refused)
        },
      })
      await producer.commit()
      expect(asked).toBe(1)
      const [committed] = await client.committedOffsets(group, [partition])
      expect(committed?.offset).toBe(5)
    })

    test('rebalances when a member asks for it, whoever leads and though nothing has changed', async () => {
      const { topic, client } = await newTopic(world, 2)
      const group = world.name('group')
      const one = join(client, group, topic, 2)
      await one.until(() => one.share().length === 2)
      const two = join(world.client(), group, topic, 2)
      await two.until(() => two.share().length === 1)
      await one.until(() => one.generation() === two.generation())
      for (const asking of [one, two, one, two]) {
        const generation = one.generation()
        asking.member.rejoin()
        await Promise.all([one, two].map(each => each.until(() => each.generation() > generation)))
      }
      expect([...one.share(), ...two.share()].sort((a, b) => a - b)).toEqual([0, 1])
    })

    test('takes over from a member that falls silent, and refuses its commits', async () => {
      const { topic, client } = await newTopic(world, 2)
      const group = world.name('group')
      let isSilent = false
      const frail = world.client(connector =>
        silencedConnector(connector, 'Heartbeat', () => isSilent),
      )
      const one = join(frail, group, topic, 2, { sessionTimeoutMs: 600 })
      await one.until(() => one.share().length === 2)
      isSilent = true
      const two = join(client, group, topic, 2)
      await two.until(() => two.share().length === 2)
      expect(one.events).toEqual(['assigned 0,1'])
      await expect(
        one.member.commit([{ topic, partition: 0, offset: 1, metadata: '' }]),
      ).rejects.toMatchObject({ code: 'TASK_MIGRATED' })
      expect(await client.committedOffsets(group, [{ topic, partition: 0 }])).toEqual([])
      // It comes back with a new member id and gets a share again.
      isSilent = false
      await one.until(() => one.events.includes('lost'))
      await Promise.all([
        one.until(() => one.share().length === 1),
        two.until(() => two.share().length === 1),
      ])
    })

    test('goes on when the answers of its coordinator are lost', async () => {
      const { topic, client } = await newTopic(world, 2)
      const group = world.name('group')
      const open = ['FindCoordinator', 'JoinGroup', 'SyncGroup', 'Heartbeat', 'OffsetCommit']
      let joins = 0
      const unlucky = world.client(connector =>
        lossyConnector(connector, api => {
          // The answer to the first join is a member id. If it is lost, the group waits for that id to expire.
          if (api === 'JoinGroup') joins += 1
          if (!open.includes(api) || (api === 'JoinGroup' && joins < 2)) return false
          open.splice(open.indexOf(api), 1)
          return true
        }),
      )
      const one = join(unlucky, group, topic, 2)
      await one.until(() => one.share().length === 2)
      await one.member.commit([{ topic, partition: 0, offset: 1, metadata: '' }])
      const two = join(client, group, topic, 2)
      await two.until(() => two.share().length === 1)
      expect(open).toEqual([])
      expect(one.events).not.toContain('lost')
      const [committed] = await client.committedOffsets(group, [{ topic, partition: 0 }])
      expect(committed?.offset).toBe(1)
    })

    test('gives a static member its share back without a rebalance', async () => {
      const { topic, client } = await newTopic(world, 2)
      const group = world.name('group')
      const first = world.client()
      const one = join(first, group, topic, 2, { instanceId: 'one' })
      await one.until(() => one.share().length === 2)
      const two = join(client, group, topic, 2, { instanceId: 'two' })
      await Promise.all([
        one.until(() => one.share().length === 1),
        two.until(() => two.share().length === 1),
      ])
      const share = one.share()
      const generation = two.generation()
      const eventsOfTwo = two.events.length
      await first.close()
      const again = join(world.client(), group, topic, 2, { instanceId: 'one' })
      await again.until(() => again.share().length === 1)
      expect(again.share()).toEqual(share)
      expect(again.generation()).toBe(generation)
      expect(two.events.length).toBe(eventsOfTwo)
      await again.member.commit([{ topic, partition: share[0] ?? 0, offset: 3, metadata: '' }])
    })

    test('has one member of an instance id: the older one fails for good', async () => {
      const { topic, client } = await newTopic(world, 1)
      const group = world.name('group')
      const older = join(world.client(), group, topic, 1, { instanceId: 'me' })
      await older.until(() => older.share().length === 1)
      const newer = join(client, group, topic, 1, { instanceId: 'me' })
      await newer.until(() => newer.share().length === 1)
      await older.until(() => older.events.some(event => event.startsWith('failed')))
      expect(older.events.at(-1)).toMatch(/Another process joined .* as 'me'/)
      await newer.member.commit([{ topic, partition: 0, offset: 1, metadata: '' }])
    })

    test('is told of a callback that throws, and goes on without the member', async () => {
      const { topic, client } = await newTopic(world, 1)
      const group = world.name('group')
      const broken = join(world.client(), group, topic, 1, {
        assigned: () => {
          throw new Error('no room')
        },
      })
      await broken.until(() => broken.events.length > 0)
      expect(broken.events).toEqual(['failed no room'])
      const sound = join(client, group, topic, 1)
      await sound.until(() => sound.share().length === 1)
    })

    test('whose members do not share a protocol fails the one that differs', async () => {
      const { topic, client } = await newTopic(world, 1)
      const group = world.name('group')
      const one = join(client, group, topic, 1)
      await one.until(() => one.share().length === 1)
      const other = join(world.client(), group, topic, 1, { protocol: 'another' })
      await other.until(() => other.events.length > 0)
      expect(other.events[0]).toMatch(/^failed .*INCONSISTENT_GROUP_PROTOCOL/)
    })
  })
}

/** A client whose JoinGroup requests wait, while they are held. */
function slowJoins(world: ContractWorld): {
  readonly client: LogClient
  readonly hold: () => void
  /** Resolves when a request waits. */
  readonly held: Promise<void>
  readonly release: () => void
} {
  const held = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  let holds = false
  const client = world.client(connector =>
    delayedConnector(connector, async api => {
      if (!holds || api !== 'JoinGroup') return
      held.resolve()
      await released.promise
    }),
  )
  return { client, hold: () => (holds = true), held: held.promise, release: released.resolve }
}
