import { describe, expect, test } from 'vitest'
import { GroupTranscript, protocol } from './group-transcript.ts'

/** A stable group of m1 (leader) and m2. */
function stablePair(): GroupTranscript {
  const t = new GroupTranscript()
  t.join('')
  t.sync('m1', { m1: 'all' })
  t.join('')
  t.join('m1')
  t.sync('m1', { m1: 'left', m2: 'right' })
  t.sync('m2')
  t.take()
  return t
}

describe('a rebalance', () => {
  test('one member makes a generation, a second one makes the next with both', () => {
    const t = new GroupTranscript()
    t.join('')
    expect(t.take()).toEqual(['(new) joined 1 as m1 by range, leader m1 [m1]'])
    t.sync('m1', { m1: 'all' })
    expect(t.take()).toEqual(['write generation 1 [m1]', 'm1 synced "all"'])
    expect(t.group.phase).toBe('Stable')

    t.join('')
    expect(t.take()).toEqual([])
    t.heartbeat('m1')
    expect(t.take()).toEqual(['m1 heartbeat REBALANCE_IN_PROGRESS'])
    t.join('m1')
    expect(t.take()).toEqual([
      'm1 joined 2 as m1 by range, leader m1 [m1 m2]',
      '(new) joined 2 as m2 by range, leader m1 []',
    ])
    t.sync('m2')
    expect(t.take()).toEqual([])
    t.sync('m1', { m1: 'left', m2: 'right' })
    expect(t.take()).toEqual([
      'write generation 2 [m1 m2]',
      'm1 synced "left"',
      'm2 synced "right"',
    ])
  })

  test('a member that does not rejoin is left out when the rebalance timeout has passed', () => {
    const t = stablePair()
    t.join('', { rebalanceTimeoutMs: 500 })
    t.join('m1')
    for (let beat = 0; beat < 5; beat++) {
      t.wait(500)
      t.heartbeat('m2')
    }
    expect(t.take()).toEqual(Array(5).fill('m2 heartbeat REBALANCE_IN_PROGRESS'))
    t.wait(500)
    expect(t.take()).toEqual([
      'm1 joined 3 as m1 by range, leader m1 [m1 m3]',
      '(new) joined 3 as m3 by range, leader m1 []',
    ])
    t.heartbeat('m2')
    expect(t.take()).toEqual(['m2 heartbeat UNKNOWN_MEMBER_ID'])
  })

  test('a leader that never brings an assignment is removed and the others start over', () => {
    const t = new GroupTranscript()
    t.join('')
    t.join('')
    t.sync('m1', {}, 0)
    t.take()
    t.join('m1')
    t.take()
    t.sync('m2')
    for (let beat = 0; beat < 6; beat++) {
      t.wait(500)
      t.heartbeat('m1')
      t.heartbeat('m2')
    }
    expect(t.take().filter(line => !line.endsWith('alive'))).toEqual([
      'm2 sync REBALANCE_IN_PROGRESS',
      'm1 heartbeat UNKNOWN_MEMBER_ID',
      'm2 heartbeat REBALANCE_IN_PROGRESS',
    ])
    t.join('m2')
    expect(t.take()).toEqual(['m2 joined 3 as m2 by range, leader m2 [m2]'])
  })

  test('a member that comes while the leader assigns makes the others join again', () => {
    const t = new GroupTranscript()
    t.join('')
    t.join('')
    expect(t.take()).toEqual(['(new) joined 1 as m1 by range, leader m1 [m1]'])
    t.sync('m1', { m1: 'all' })
    expect(t.take()).toEqual(['m1 sync REBALANCE_IN_PROGRESS'])
    t.join('m1')
    t.sync('m2')
    t.join('')
    expect(t.take()).toEqual([
      'm1 joined 2 as m1 by range, leader m1 [m1 m2]',
      '(new) joined 2 as m2 by range, leader m1 []',
      'm2 sync REBALANCE_IN_PROGRESS',
    ])
  })

  test('a follower that joins again unchanged is told the generation it is in', () => {
    const t = stablePair()
    t.join('m2')
    expect(t.take()).toEqual(['m2 joined 2 as m2 by range, leader m1 []'])
    t.join('m2', { protocols: [protocol('range', 'other topics')] })
    expect(t.take()).toEqual([])
    expect(t.group.phase).toBe('PreparingRebalance')
  })

  test('a leader that joins again starts a rebalance', () => {
    const t = stablePair()
    t.join('m1')
    expect(t.take()).toEqual([])
    t.join('m2')
    expect(t.take()).toEqual([
      'm1 joined 3 as m1 by range, leader m1 [m1 m2]',
      'm2 joined 3 as m2 by range, leader m1 []',
    ])
  })

  test('most votes win among the protocols that all support', () => {
    const t = new GroupTranscript({ groupInitialRebalanceDelayMs: 100 })
    t.join('', { protocols: [protocol('a'), protocol('b')] })
    t.join('', { protocols: [protocol('b'), protocol('a')] })
    t.join('', { protocols: [protocol('c'), protocol('b'), protocol('a')] })
    t.join('', { protocols: [protocol('c')] })
    expect(t.take()).toEqual(['(new) join INCONSISTENT_GROUP_PROTOCOL'])
    t.join('', { protocolType: 'connect' })
    expect(t.take()).toEqual(['(new) join INCONSISTENT_GROUP_PROTOCOL'])
    t.wait(1000)
    expect(t.take()[0]).toBe('(new) joined 1 as m1 by b, leader m1 [m1 m2 m3]')
  })
})

describe('the first generation', () => {
  test('is put off while members arrive, at most by the rebalance timeout', () => {
    const t = new GroupTranscript({ groupInitialRebalanceDelayMs: 1000 })
    for (let member = 0; member < 5; member++) {
      t.join('', { sessionTimeoutMs: 10_000 })
      t.wait(800)
    }
    const joined = t.take()
    expect(joined).toHaveLength(4)
    expect(joined[0]).toBe('(new) joined 1 as m1 by range, leader m1 [m1 m2 m3 m4]')
  })

  test('is not waited for when the only member leaves during the delay', () => {
    const t = new GroupTranscript({ groupInitialRebalanceDelayMs: 1000 })
    t.join('')
    t.leave('m1')
    expect(t.take()).toEqual([
      'write generation 1 []',
      '(new) join UNKNOWN_MEMBER_ID as m1',
      'm1 left NONE',
    ])
    expect(t.group.phase).toBe('Empty')
  })

  test('waits for one delay when nobody else comes', () => {
    const t = new GroupTranscript({ groupInitialRebalanceDelayMs: 1000 })
    t.join('')
    t.wait(999)
    expect(t.take()).toEqual([])
    t.wait(1)
    expect(t.take()).toEqual(['(new) joined 1 as m1 by range, leader m1 [m1]'])
  })
})

describe('membership', () => {
  test('a client that knows of it gets its id first, and the id lapses when it is not used', () => {
    const t = new GroupTranscript()
    t.join('', { knowsMemberIdRequired: true })
    expect(t.take()).toEqual(['(new) join MEMBER_ID_REQUIRED as m1'])
    t.join('m1', { knowsMemberIdRequired: true })
    expect(t.take()).toEqual(['m1 joined 1 as m1 by range, leader m1 [m1]'])
    t.join('', { knowsMemberIdRequired: true })
    t.take()
    t.wait(1000)
    t.take()
    t.join('m2')
    expect(t.take()).toEqual(['m2 join UNKNOWN_MEMBER_ID as m2'])
  })

  test('silence for a session ends it', () => {
    const t = stablePair()
    t.wait(900)
    t.heartbeat('m1')
    t.wait(500)
    t.take()
    t.heartbeat('m2')
    t.heartbeat('m1')
    expect(t.take()).toEqual([
      'm2 heartbeat UNKNOWN_MEMBER_ID',
      'm1 heartbeat REBALANCE_IN_PROGRESS',
    ])
  })

  test('when the last member leaves the group is empty and that is written', () => {
    const t = stablePair()
    t.leave('m2')
    t.leave('m1')
    expect(t.take()).toEqual(['m2 left NONE', 'write generation 3 []', 'm1 left NONE'])
    expect(t.group.phase).toBe('Empty')
    t.leave('m1')
    expect(t.take()).toEqual(['m1 left UNKNOWN_MEMBER_ID'])
  })

  test('who speaks for another generation is told so', () => {
    const t = stablePair()
    t.heartbeat('m1', 1)
    t.sync('m1', {}, 1)
    expect(t.take()).toEqual(['m1 heartbeat ILLEGAL_GENERATION', 'm1 sync ILLEGAL_GENERATION'])
  })

  test('a session timeout out of bounds and a full group are refused', () => {
    const t = new GroupTranscript({ groupMaxSize: 1 })
    t.join('', { sessionTimeoutMs: 99 })
    t.join('', { sessionTimeoutMs: 60_001 })
    t.join('')
    t.join('')
    expect(t.take()).toEqual([
      '(new) join INVALID_SESSION_TIMEOUT',
      '(new) join INVALID_SESSION_TIMEOUT',
      '(new) joined 1 as m3 by range, leader m3 [m3]',
      '(new) join GROUP_MAX_SIZE_REACHED',
    ])
  })
})

describe('static members (KIP-345)', () => {
  function staticGroup(knowsSkipAssignment: boolean): GroupTranscript {
    const t = new GroupTranscript()
    t.join('', { instanceId: 'i1', knowsSkipAssignment })
    t.sync('m1', { m1: 'all' })
    t.take()
    return t
  }

  test('a restarted member takes its old place without a rebalance, and the old one is fenced', () => {
    const t = staticGroup(true)
    t.join('', { instanceId: 'i1', knowsSkipAssignment: true })
    expect(t.take()).toEqual([
      'write generation 1 [m2]',
      '(new) joined 1 as m2 by range, leader m2 [m2] skips assignment',
    ])
    t.sync('m2')
    expect(t.take()).toEqual(['m2 synced "all"'])
    t.heartbeat('m1', 1, 'i1')
    expect(t.take()).toEqual(['m1 heartbeat FENCED_INSTANCE_ID'])
  })

  test('a client that cannot skip the assignment is not told that it leads', () => {
    const t = staticGroup(false)
    t.join('', { instanceId: 'i1' })
    expect(t.take()).toEqual([
      'write generation 1 [m2]',
      '(new) joined 1 as m2 by range, leader m1 []',
    ])
  })

  test('an administrator removes it by its instance id', () => {
    const t = staticGroup(true)
    t.leave('', 'unknown')
    t.leave('', 'i1')
    expect(t.take()).toEqual([
      '(new) left UNKNOWN_MEMBER_ID',
      'write generation 2 []',
      '(new) left NONE',
    ])
  })

  test('it keeps its place through a rebalance that it misses, until its session ends', () => {
    const t = staticGroup(true)
    t.join('', { sessionTimeoutMs: 20_000 })
    t.wait(900)
    expect(t.take()).toEqual([])
    t.wait(200)
    // m1 was silent for its session of 1000 ms: the newcomer is alone.
    expect(t.take()).toEqual(['(new) joined 2 as m2 by range, leader m2 [m2]'])
  })
})
