import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { expired } from '../../../src/broker/coordinator/group-expiry.ts'
import type { Group } from '../../../src/broker/coordinator/group-state.ts'
import { setOffset } from '../../../src/broker/coordinator/offsets.ts'
import { addPending } from '../../../src/broker/coordinator/pending-offsets.ts'
import { encodeSubscription } from '../../../src/protocol/consumer-protocol.ts'
import { GroupTranscript, protocol } from './group-transcript.ts'

const retentionMs = 1000

function stored(commitTimestamp: number, expireTimestamp = -1) {
  return {
    offset: 1,
    leaderEpoch: -1,
    metadata: '',
    commitTimestamp,
    expireTimestamp,
    recordOffset: 0,
  }
}

/** Partitions of the topic `t` by what is left of them at a time, and whether the group goes. */
function at(group: Group, nowMs: number, topics = ['t']): string {
  const { offsets, group: goes } = expired(group, {
    nowMs,
    retentionMs,
    hasTopic: topic => topics.includes(topic),
  })
  return `${offsets.map(({ partition }) => partition).join(' ')}${goes ? ' and the group' : ''}`
}

describe('offsets expire', () => {
  test('of a group without membership, each a while after its commit', () => {
    const { group } = new GroupTranscript()
    setOffset(group.offsets, 't', 0, stored(0))
    setOffset(group.offsets, 't', 1, stored(500))
    expect(at(group, 999)).toBe('')
    expect(at(group, 1000)).toBe('0')
    expect(at(group, 1500)).toBe('0 1 and the group')
  })

  test('of a group whose members have left, a while after the last of them or the commit', () => {
    const { group } = new GroupTranscript()
    group.protocolType = 'consumer'
    group.phaseSinceMs = 700
    setOffset(group.offsets, 't', 0, stored(0))
    setOffset(group.offsets, 't', 1, stored(800))
    expect(at(group, 1699)).toBe('')
    expect(at(group, 1700)).toBe('0')
    expect(at(group, 1800)).toBe('0 1 and the group')
  })

  test('when it was said at their commit, in an empty group', () => {
    const { group } = new GroupTranscript()
    setOffset(group.offsets, 't', 0, stored(0, 100))
    setOffset(group.offsets, 't', 1, stored(0, 5000))
    expect(at(group, 100)).toBe('0')
    expect(at(group, 4999)).toBe('0')
  })

  function stable(metadata: Buffer, protocolType = 'consumer'): Group {
    const t = new GroupTranscript()
    t.join('', { protocolType, protocols: [{ name: 'range', metadata }] })
    t.sync('m1', { m1: 'all' })
    setOffset(t.group.offsets, 't', 0, stored(0))
    return t.group
  }
  const topics = (...names: string[]): Buffer =>
    encodeSubscription({ topics: names, ownedPartitions: [] })

  test('of topics that a consumer group is not subscribed to any more', () => {
    expect(at(stable(topics('t', 'u')), 5000)).toBe('')
    expect(at(stable(topics('u')), 999)).toBe('')
    expect(at(stable(topics('u')), 5000)).toBe('0')
  })

  test('not while it cannot be known what members want, and not while they rebalance', () => {
    expect(at(stable(Buffer.from('no subscription')), 5000)).toBe('')
    expect(at(stable(topics('u'), 'connect'), 5000)).toBe('')
    const rebalancing = stable(topics('u'))
    rebalancing.phase = 'PreparingRebalance'
    expect(at(rebalancing, 5000)).toBe('')
  })

  test('of topics that are not there, whoever may want them', () => {
    expect(at(stable(topics('t')), 0, [])).toBe('0')
  })

  test('not while a transaction commits for the partition', () => {
    const { group } = new GroupTranscript()
    setOffset(group.offsets, 't', 0, stored(0))
    addPending(group, 7n, { topic: 't', partition: 0 }, stored(0))
    expect(at(group, 5000)).toBe('')
  })
})

test('a group goes only when nobody is in it and nothing of it is left', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ partition: fc.nat(3), at: fc.nat(3000) })),
      fc.constantFrom('nobody', 'reserved', 'pending', 'member'),
      fc.nat(5000),
      (commits, who, nowMs) => {
        const t = new GroupTranscript()
        if (who === 'reserved') t.join('', { knowsMemberIdRequired: true })
        if (who === 'member') t.join('', { protocols: [protocol('range', '')] })
        const { group } = t
        if (who === 'pending') addPending(group, 7n, { topic: 't', partition: 9 }, stored(0))
        for (const { partition, at: ms } of commits) {
          setOffset(group.offsets, 't', partition, stored(ms))
        }
        const options = { nowMs, retentionMs, hasTopic: () => true }
        const { offsets, group: goes } = expired(group, options)
        for (const { topic, partition } of offsets) {
          setOffset(group.offsets, topic, partition, undefined)
        }
        expect(goes).toBe(who === 'nobody' && group.offsets.size === 0)
      },
    ),
  )
})
