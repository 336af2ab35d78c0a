/** The APIs of groups where the answer depends on the version, and where a request is not what it should be. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'
import { encodeSubscription } from '../../src/protocol/consumer-protocol.ts'
import { errorName } from '../../src/protocol/error-codes.ts'
import { offsetCommit } from '../../src/protocol/messages/08-offset-commit.ts'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.ts'
import { joinGroup } from '../../src/protocol/messages/11-join-group.ts'
import { heartbeat } from '../../src/protocol/messages/12-heartbeat.ts'
import { leaveGroup } from '../../src/protocol/messages/13-leave-group.ts'
import { syncGroup } from '../../src/protocol/messages/14-sync-group.ts'
import { describeGroups } from '../../src/protocol/messages/15-describe-groups.ts'
import { listGroups } from '../../src/protocol/messages/16-list-groups.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { deleteGroups } from '../../src/protocol/messages/42-delete-groups.ts'
import { offsetDelete } from '../../src/protocol/messages/47-offset-delete.ts'
import { Peer } from './peer.ts'

let broker: RunningBroker
let peer: Peer

beforeAll(async () => {
  broker = await startBroker({ config: { offsetMetadataMaxBytes: 10 } })
  peer = await Peer.open(broker.address)
  const topic = { numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
  await peer.ask(createTopics, 7, {
    topics: [
      { ...topic, name: 't' },
      { ...topic, name: 'u' },
    ],
    timeoutMs: 1000,
    validateOnly: false,
  })
})

afterAll(async () => {
  await peer.close()
  await broker.close()
})

function commitBody(groupId: string, more: object = {}, topic = 't', metadata = '') {
  const partition = { partitionIndex: 0, committedOffset: 7, committedMetadata: metadata }
  return {
    groupId,
    generationIdOrMemberEpoch: -1,
    memberId: '',
    topics: [{ name: topic, partitions: [partition, { ...partition, partitionIndex: 5 }] }],
    ...more,
  }
}

async function commit(version: number, body: ReturnType<typeof commitBody>): Promise<string[]> {
  const { topics } = await peer.ask(offsetCommit, version, body)
  return topics.flatMap(({ partitions }) => partitions.map(p => errorName(p.errorCode)))
}

async function join(groupId: string, version = 3, more: object = {}, topic = 't') {
  const metadata = encodeSubscription({ topics: [topic], ownedPartitions: [] })
  return peer.ask(joinGroup, version, {
    groupId,
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata }],
    ...more,
  })
}

async function stable(groupId: string, topic = 't'): Promise<string> {
  const { memberId, generationId } = await join(groupId, 3, {}, topic)
  const assignments = [{ memberId, assignment: Buffer.from('mine') }]
  await peer.ask(syncGroup, 2, { groupId, generationId, memberId, assignments })
  return memberId
}

describe('OffsetCommit', () => {
  test('for a generation of a group that nobody knows is told so in the words of the version', async () => {
    const body = commitBody('unknown', { generationIdOrMemberEpoch: 3, memberId: 'm' })
    const missing = 'UNKNOWN_TOPIC_OR_PARTITION'
    expect(await commit(8, body)).toEqual(['ILLEGAL_GENERATION', missing])
    expect(await commit(9, body)).toEqual(['GROUP_ID_NOT_FOUND', missing])
  })

  test('refuses long metadata for its partition, and commits the others', async () => {
    const body = commitBody('simple', {}, 't', 'éééééé')
    expect(await commit(5, body)).toEqual([
      'OFFSET_METADATA_TOO_LARGE',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ])
    expect((await commit(5, commitBody('simple', {}, 't', 'ééééé')))[0]).toBe('NONE')
  })

  test('without membership is refused while the group has members, and so is a stranger', async () => {
    const memberId = await stable('with members')
    const of = async (more: object): Promise<string | undefined> =>
      (await commit(7, commitBody('with members', more)))[0]
    expect(await of({})).toBe('UNKNOWN_MEMBER_ID')
    expect(await of({ memberId: 'm', generationIdOrMemberEpoch: 1 })).toBe('UNKNOWN_MEMBER_ID')
    expect(await of({ memberId, generationIdOrMemberEpoch: 0 })).toBe('ILLEGAL_GENERATION')
    expect(await of({ memberId, generationIdOrMemberEpoch: 1 })).toBe('NONE')
  })
})

describe('JoinGroup', () => {
  test('gives a new member its id first from version 4, and at once below or to a static one', async () => {
    const old = await join('ids in 3', 3)
    expect([errorName(old.errorCode), old.generationId]).toEqual(['NONE', 1])
    const asked = await join('ids in 4', 4)
    expect([errorName(asked.errorCode), asked.generationId]).toEqual(['MEMBER_ID_REQUIRED', -1])
    const { memberId } = asked
    expect(errorName((await join('ids in 4', 4, { memberId })).errorCode)).toBe('NONE')
    const fixed = await join('ids in 5', 5, { groupInstanceId: 'i' })
    expect([errorName(fixed.errorCode), fixed.memberId.slice(0, 2)]).toEqual(['NONE', 'i-'])
  })

  test('says the protocol type from version 7, and a refusal names no protocol', async () => {
    const instance = { groupInstanceId: 'i' }
    expect(await join('types', 7, instance)).toMatchObject({
      protocolType: 'consumer',
      protocolName: 'range',
    })
    const refused = { memberId: 'm' }
    expect(await join('refused', 7, refused)).toMatchObject({ protocolName: null, errorCode: 25 })
    expect(await join('refused', 6, refused)).toMatchObject({ protocolName: '', errorCode: 25 })
  })

  test('of a static leader that restarts is told to skip the assignment from version 9', async () => {
    const instance = { groupInstanceId: 'i' }
    const first = await join('restarts', 9, instance)
    const { memberId, generationId } = first
    const assignments = [{ memberId, assignment: Buffer.from('mine') }]
    const own = { groupId: 'restarts', generationId, memberId, groupInstanceId: 'i' }
    await peer.ask(syncGroup, 5, { ...own, assignments })
    const skips = await join('restarts', 9, instance)
    expect(skips).toMatchObject({ skipAssignment: true, leader: skips.memberId, generationId })
    expect(skips.members).toHaveLength(1)
    const follows = await join('restarts', 8, instance)
    expect(follows).toMatchObject({ leader: skips.memberId, members: [], generationId })
    const old = await peer.ask(heartbeat, 4, own)
    expect(errorName(old.errorCode)).toBe('FENCED_INSTANCE_ID')
  })
})

const named = (memberId: string) => ({ memberId, groupInstanceId: null })

test('an empty group id is refused by members, and stands for a group without them', async () => {
  const own = { groupId: '', generationId: 1, memberId: 'm' }
  const codes = [
    (await join('', 5)).errorCode,
    (await peer.ask(syncGroup, 3, { ...own, assignments: [] })).errorCode,
    (await peer.ask(heartbeat, 3, own)).errorCode,
    (await peer.ask(leaveGroup, 2, own)).errorCode,
    (await peer.ask(leaveGroup, 3, { groupId: '', members: [named('m')] })).errorCode,
    (await peer.ask(offsetDelete, 0, { groupId: '', topics: [] })).errorCode,
  ]
  expect(codes.map(errorName)).toEqual(Array(6).fill('INVALID_GROUP_ID'))
  expect((await commit(5, commitBody('')))[0]).toBe('NONE')
  const found = await peer.ask(offsetFetch, 5, {
    groupId: '',
    topics: [{ name: 't', partitionIndexes: [0] }],
  })
  expect(found.topics[0]?.partitions[0]).toMatchObject({ committedOffset: 7 })
})

describe('LeaveGroup', () => {
  test('below version 3 answers for one member, and from it on for each', async () => {
    const memberId = await stable('leaving')
    const one = await peer.ask(leaveGroup, 1, { groupId: 'leaving', memberId: 'm' })
    expect(errorName(one.errorCode)).toBe('UNKNOWN_MEMBER_ID')
    const members = [named(memberId), named('m')]
    const all = await peer.ask(leaveGroup, 3, { groupId: 'leaving', members })
    expect(errorName(all.errorCode)).toBe('NONE')
    expect(all.members.map(({ errorCode }) => errorName(errorCode))).toEqual([
      'NONE',
      'UNKNOWN_MEMBER_ID',
    ])
    const unknown = await peer.ask(leaveGroup, 3, { groupId: 'unknown', members })
    expect(errorName(unknown.errorCode)).toBe('NONE')
    expect(unknown.members.map(({ errorCode }) => errorName(errorCode))).toEqual([
      'UNKNOWN_MEMBER_ID',
      'UNKNOWN_MEMBER_ID',
    ])
  })
})

describe('groups', () => {
  test('are listed by state and type, described, and deleted when they are empty', async () => {
    const memberId = await stable('listed')
    await commit(5, commitBody('listed simple'))
    const states = async (version: number, filters: object): Promise<string[]> => {
      const { groups } = await peer.ask(listGroups, version, filters)
      const names = groups.filter(({ groupId }) => groupId.startsWith('listed'))
      return names.map(({ groupId, groupState }) => `${groupId} ${groupState}`).sort()
    }
    expect(await states(4, {})).toEqual(['listed Stable', 'listed simple Empty'])
    expect(await states(4, { statesFilter: ['stable'] })).toEqual(['listed Stable'])
    expect(await states(5, { typesFilter: ['Classic'] })).toHaveLength(2)
    expect(await states(5, { typesFilter: ['consumer'] })).toEqual([])

    const asked = { groups: ['listed', 'unknown'], includeAuthorizedOperations: false }
    const { groups } = await peer.ask(describeGroups, 5, asked)
    expect(groups[0]).toMatchObject({ groupState: 'Stable', protocolData: 'range' })
    expect(groups[0]?.members[0]).toMatchObject({ memberId, clientId: 'peer' })
    expect(groups[0]?.members[0]?.memberAssignment.toString()).toBe('mine')
    expect(groups[1]).toMatchObject({ errorCode: 0, groupState: 'Dead', members: [] })

    const remove = async (): Promise<string[]> => {
      const groupsNames = ['listed', 'listed simple', 'unknown']
      const { results } = await peer.ask(deleteGroups, 2, { groupsNames })
      return results.map(({ errorCode }) => errorName(errorCode))
    }
    expect(await remove()).toEqual(['NON_EMPTY_GROUP', 'NONE', 'GROUP_ID_NOT_FOUND'])
    await peer.ask(leaveGroup, 1, { groupId: 'listed', memberId })
    expect(await remove()).toEqual(['NONE', 'GROUP_ID_NOT_FOUND', 'GROUP_ID_NOT_FOUND'])
  })
})

describe('OffsetDelete', () => {
  test('spares what members are subscribed to', async () => {
    await commit(5, commitBody('partly'))
    await commit(5, commitBody('partly', {}, 'u'))
    const memberId = await stable('partly', 't')
    const remove = async (): Promise<string[]> => {
      const topics = ['t', 'u', 'unknown'].map(name => ({
        name,
        partitions: [{ partitionIndex: 0 }],
      }))
      const answer = await peer.ask(offsetDelete, 0, { groupId: 'partly', topics })
      if (answer.errorCode !== 0) return [errorName(answer.errorCode)]
      return answer.topics.flatMap(({ partitions }) => partitions.map(p => errorName(p.errorCode)))
    }
    expect(await remove()).toEqual([
      'GROUP_SUBSCRIBED_TO_TOPIC',
      'NONE',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ])
    await peer.ask(leaveGroup, 1, { groupId: 'partly', memberId })
    expect((await remove()).slice(0, 2)).toEqual(['NONE', 'NONE'])
    const { topics } = await peer.ask(offsetFetch, 5, { groupId: 'partly', topics: null })
    expect(topics).toEqual([])
  })

  test('is refused in a group of another kind while it has members', async () => {
    const metadata = Buffer.from('x')
    const protocols = [{ name: 'default', metadata }]
    await join('connect', 3, { protocolType: 'connect', protocols })
    const answer = await peer.ask(offsetDelete, 0, { groupId: 'connect', topics: [] })
    expect(errorName(answer.errorCode)).toBe('NON_EMPTY_GROUP')
  })
})
