/** The edges of the classic protocol, each as `GroupMetadataManager` of Apache Kafka has it. */
import { describe, expect, test } from 'vitest'
import { GroupTranscript, protocol } from './group-transcript.ts'

/** A stable group of m1 (leader) and m2, whose sessions are 1000 ms and rebalances 3000 ms. */
function stablePair(): GroupTranscript {
  const t = new GroupTranscript()
  t.join('')
  t.join('')
  t.join('m1')
  t.sync('m1', { m1: 'left', m2: 'right' })
  t.sync('m2')
  t.take()
  return t
}

function beats(t: GroupTranscript, ms: number, ...names: string[]): void {
  for (let passed = 0; passed < ms; passed += 500) {
    t.wait(500)
    for (const name of names) t.heartbeat(name)
  }
}

describe('waiting', () => {
  test('for the assignment is no silence: heartbeats may be stuck behind it', () => {
    const t = stablePair()
    t.join('m1')
    t.join('m2')
    t.take()
    t.sync('m2')
    beats(t, 2500, 'm1')
    t.take()
    t.sync('m1', { m1: 'left', m2: 'right' })
    expect(t.take()).toEqual([
      'write generation 3 [m1 m2]',
      'm1 synced "left"',
      'm2 synced "right"',
    ])
  })

  test('of a first JoinGroup ends after five minutes: its client cannot know the id', () => {
    const t = stablePair()
    t.join('m1', { rebalanceTimeoutMs: 1_000_000 })
    t.join('')
    t.take()
    beats(t, 299_500, 'm2')
    expect(t.group.members.has('m3')).toBe(true)
    t.take()
    beats(t, 500, 'm2')
    expect(t.take()).toEqual([
      '(new) join UNKNOWN_MEMBER_ID as m3',
      'm2 heartbeat REBALANCE_IN_PROGRESS',
    ])
    t.join('m2')
    expect(t.take()).toContain('m1 joined 3 as m1 by range, leader m1 [m1 m2]')
  })
})

describe('a member that never asks for its assignment', () => {
  test('is removed after the rebalance timeout, although the others have theirs', () => {
    const t = stablePair()
    t.join('m1')
    t.join('m2')
    t.sync('m1', { m1: 'left', m2: 'right' })
    t.take()
    beats(t, 2500, 'm1', 'm2')
    expect(t.group.phase).toBe('Stable')
    t.take()
    beats(t, 500, 'm1', 'm2')
    expect(t.take()).toEqual([
      'm1 heartbeat REBALANCE_IN_PROGRESS',
      'm2 heartbeat UNKNOWN_MEMBER_ID',
    ])
  })

  test('is not when it asks in time', () => {
    const t = stablePair()
    t.join('m1')
    t.join('m2')
    t.sync('m1', { m1: 'left', m2: 'right' })
    t.sync('m2')
    t.take()
    beats(t, 5000, 'm1', 'm2')
    expect(new Set(t.take())).toEqual(new Set(['m1 alive', 'm2 alive']))
  })
})

describe('the leader', () => {
  test('that leaves is followed by the member that came after it', () => {
    const t = stablePair()
    t.leave('m1')
    t.take()
    t.join('m2')
    expect(t.take()).toEqual(['m2 joined 3 as m2 by range, leader m2 [m2]'])
  })

  test('that asks again while it should assign is told once more who takes part', () => {
    const t = stablePair()
    t.join('m1')
    t.join('m2')
    t.take()
    t.join('m1')
    t.join('m2')
    expect(t.take()).toEqual([
      'm1 joined 3 as m1 by range, leader m1 [m1 m2]',
      'm2 joined 3 as m2 by range, leader m1 []',
    ])
  })

  test('that brings shares for strangers only leaves its members with nothing', () => {
    const t = stablePair()
    t.join('m1')
    t.join('m2')
    t.sync('m2')
    t.take()
    t.sync('m1', { stranger: 'all' })
    expect(t.take()).toEqual(['write generation 3 [m1 m2]', 'm1 synced ""', 'm2 synced ""'])
  })
})

describe('a member with other protocols', () => {
  test('while the leader assigns makes everybody join again', () => {
    const t = stablePair()
    t.join('m1')
    t.join('m2')
    t.sync('m2')
    t.take()
    t.join('m2', { protocols: [protocol('range', 'other topics')] })
    expect(t.take()).toEqual(['m2 sync REBALANCE_IN_PROGRESS'])
    t.join('m1')
    expect(t.take()).toEqual([
      'm1 joined 4 as m1 by range, leader m1 [m1 m2]',
      'm2 joined 4 as m2 by range, leader m1 []',
    ])
  })

  test('is refused when the others do not know them, and what is no protocol at all too', () => {
    const t = stablePair()
    t.join('m2', { protocols: [protocol('sticky')] })
    t.join('', { protocols: [] })
    t.join('', { protocolType: '' })
    expect(t.take()).toEqual([
      'm2 join INCONSISTENT_GROUP_PROTOCOL as m2',
      '(new) join INCONSISTENT_GROUP_PROTOCOL',
      '(new) join INCONSISTENT_GROUP_PROTOCOL',
    ])
  })

  test('in SyncGroup is refused', () => {
    const t = stablePair()
    t.sync('m2', {}, 2, { protocolType: 'connect' })
    t.sync('m2', {}, 2, { protocolName: 'sticky' })
    t.sync('m2', {}, 2, { protocolType: 'consumer', protocolName: 'range' })
    expect(t.take()).toEqual([
      'm2 sync INCONSISTENT_GROUP_PROTOCOL',
      'm2 sync INCONSISTENT_GROUP_PROTOCOL',
      'm2 synced "right"',
    ])
  })
})

describe('an empty group', () => {
  test('takes members of another kind, and goes on counting generations', () => {
    const t = stablePair()
    t.leave('m1')
    t.leave('m2')
    t.take()
    t.join('', { protocolType: 'connect', protocols: [protocol('sessioned')] })
    expect(t.take()).toEqual(['(new) joined 4 as m3 by sessioned, leader m3 [m3]'])
  })
})

describe('reserved ids', () => {
  test('hold up a rebalance until they are used, given back, or lapse', () => {
    const t = stablePair()
    t.join('', { knowsMemberIdRequired: true })
    t.join('', { knowsMemberIdRequired: true })
    t.join('', { knowsMemberIdRequired: true, sessionTimeoutMs: 600 })
    t.take()
    t.join('m1')
    t.join('m2')
    expect(t.take()).toEqual([])
    t.join('m3')
    t.leave('m4')
    expect(t.take()).toEqual(['m4 left NONE'])
    t.wait(600)
    expect(t.take()).toEqual([
      'm1 joined 3 as m1 by range, leader m1 [m1 m2 m3]',
      'm2 joined 3 as m2 by range, leader m1 []',
      'm3 joined 3 as m3 by range, leader m1 []',
    ])
  })

  test('are no members: they have no heartbeat', () => {
    const t = stablePair()
    t.join('', { knowsMemberIdRequired: true })
    t.take()
    t.heartbeat('m3')
    expect(t.take()).toEqual(['m3 heartbeat UNKNOWN_MEMBER_ID'])
  })
})

describe('a group that has become too large', () => {
  test('while members gather, turns away who comes last, for good', () => {
    const t = new GroupTranscript({ groupMaxSize: 2 })
    t.join('')
    t.sync('m1', { m1: 'all' })
    t.join('')
    t.join('m1')
    t.sync('m1', { m1: 'all' })
    t.sync('m2')
    t.join('')
    expect(t.take().at(-1)).toBe('(new) join GROUP_MAX_SIZE_REACHED')
    t.join('m1')
    t.join('')
    t.take()
    t.join('m2')
    expect(t.take()).toEqual([
      'm2 join GROUP_MAX_SIZE_REACHED',
      'm1 joined 3 as m1 by range, leader m1 [m1 m4]',
      '(new) joined 3 as m4 by range, leader m1 []',
    ])
  })
})

describe('static members', () => {
  function staticPair(): GroupTranscript {
    const t = new GroupTranscript()
    t.join('', { instanceId: 'i1' })
    t.join('', { instanceId: 'i2' })
    t.join('m1', { instanceId: 'i1' })
    t.sync('m1', { m1: 'left', m2: 'right' })
    t.sync('m2')
    t.take()
    return t
  }

  test('that restart while they wait to join take over, and the old request is fenced', () => {
    const t = staticPair()
    t.join('m1', { instanceId: 'i1' })
    t.join('', { instanceId: 'i1' })
    expect(t.take()).toEqual(['m1 join FENCED_INSTANCE_ID as m1'])
    t.join('m2', { instanceId: 'i2' })
    expect(t.take()).toEqual([
      'm2 joined 3 as m2 by range, leader m3 []',
      '(new) joined 3 as m3 by range, leader m3 [m2 m3]',
    ])
  })

  test('that restart while they wait for the assignment make everybody join again', () => {
    const t = staticPair()
    t.join('m1', { instanceId: 'i1' })
    t.join('m2', { instanceId: 'i2' })
    t.sync('m2')
    t.take()
    t.join('', { instanceId: 'i2' })
    expect(t.take()).toEqual(['m2 sync FENCED_INSTANCE_ID'])
    t.join('m1', { instanceId: 'i1' })
    expect(t.take()).toEqual([
      'm1 joined 4 as m1 by range, leader m1 [m1 m3]',
      '(new) joined 4 as m3 by range, leader m1 []',
    ])
  })

  test('that restart with a protocol that changes the choice make everybody join again', () => {
    const t = new GroupTranscript()
    const both = [protocol('a'), protocol('b')]
    t.join('', { instanceId: 'i1', protocols: both })
    t.sync('m1', { m1: 'all' })
    t.take()
    t.join('', { instanceId: 'i1', protocols: [protocol('b')] })
    expect(t.take()).toEqual(['(new) joined 2 as m2 by b, leader m2 [m2]'])
  })

  test('that restart with other timeouts live by them', () => {
    const t = staticPair()
    t.join('', { instanceId: 'i2', sessionTimeoutMs: 20_000 })
    expect(t.take()).toEqual([
      'write generation 2 [m1 m3]',
      '(new) joined 2 as m3 by range, leader m1 []',
    ])
    beats(t, 10_000, 'm1')
    t.take()
    t.heartbeat('m3')
    expect(t.take()).toEqual(['m3 alive'])
  })

  test('are fenced in every request that names the instance with another id', () => {
    const t = staticPair()
    t.join('', { instanceId: 'i1' })
    t.take()
    t.join('m1', { instanceId: 'i1' })
    t.sync('m1', {}, 2, { instanceId: 'i1' })
    t.heartbeat('m1', 2, 'i1')
    t.leave('m1', 'i1')
    expect(t.take()).toEqual([
      'm1 join FENCED_INSTANCE_ID as m1',
      'm1 sync FENCED_INSTANCE_ID',
      'm1 heartbeat FENCED_INSTANCE_ID',
      'm1 left FENCED_INSTANCE_ID',
    ])
    t.heartbeat('m3', 2, 'unknown')
    expect(t.take()).toEqual(['m3 heartbeat UNKNOWN_MEMBER_ID'])
  })

  test('that are away when a generation begins keep their place until the next deadline', () => {
    const t = new GroupTranscript()
    t.join('', { sessionTimeoutMs: 4000 })
    t.join('', { sessionTimeoutMs: 4000, instanceId: 'i2' })
    t.join('m1', { sessionTimeoutMs: 4000 })
    t.sync('m1', {})
    t.sync('m2')
    t.join('m1', { sessionTimeoutMs: 4000 })
    t.take()
    beats(t, 3000)
    expect(t.take()).toEqual(['m1 joined 3 as m1 by range, leader m1 [m1 m2]'])
    t.sync('m1', { m1: 'left', m2: 'right' })
    beats(t, 2500, 'm1')
    t.take()
    t.join('', { instanceId: 'i2' })
    t.sync('m3')
    expect(t.take()).toEqual([
      'write generation 3 [m1 m3]',
      '(new) joined 3 as m3 by range, leader m1 []',
      'm3 synced "right"',
    ])
  })
})

describe('LeaveGroup', () => {
  test('of several members answers for each, and the others rebalance once', () => {
    const t = stablePair()
    t.join('', { instanceId: 'i1' })
    t.join('m1')
    t.join('m2')
    t.sync('m1', {})
    t.join('', { knowsMemberIdRequired: true })
    t.take()
    t.leaveAll([
      ['m2', null],
      ['', 'i1'],
      ['m4', null],
      ['m9', null],
      ['', 'unknown'],
      ['', null],
    ])
    expect(t.take().at(-1)).toBe(
      'all left NONE NONE NONE UNKNOWN_MEMBER_ID UNKNOWN_MEMBER_ID UNKNOWN_MEMBER_ID',
    )
    t.join('m1')
    expect(t.take()).toEqual(['m1 joined 4 as m1 by range, leader m1 [m1]'])
  })
})
