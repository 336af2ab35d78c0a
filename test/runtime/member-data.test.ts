import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeMemberData,
  decodeShare,
  encodeMemberData,
  encodeShare,
  type MemberData,
  type Share,
} from '../../src/runtime/member-data.ts'

const taskId = fc.tuple(fc.nat(9), fc.nat(99)).map(([part, partition]) => `${part}_${partition}`)
const tasks = fc.uniqueArray(taskId)
const endpoint = fc.constantFrom('localhost:8080', '[::1]:80')

const anyMember: fc.Arbitrary<MemberData> = fc.record({
  processId: fc.string({ minLength: 1 }),
  owned: tasks,
  standbys: tasks,
  stored: fc.dictionary(taskId, fc.integer({ min: -2 })),
  endpoint: fc.option(endpoint),
  shutdownRequested: fc.boolean(),
})

const anyShare: fc.Arbitrary<Share> = fc.record({
  tasks,
  revoked: tasks,
  awaitsTasks: fc.boolean(),
  standbys: tasks,
  routing: fc.array(fc.record({ endpoint, active: tasks, standby: tasks })),
  shutdown: fc.boolean(),
  plan: fc.option(fc.string()),
  nextProbeAtMs: fc.option(fc.maxSafeNat()),
})

test('what a member says of itself arrives', () => {
  fc.assert(
    fc.property(anyMember, data => {
      expect(decodeMemberData(encodeMemberData(data))).toMatchObject(data)
    }),
  )
})

test('what the leader gives arrives', () => {
  fc.assert(
    fc.property(anyShare, share => {
      expect(decodeShare(encodeShare(share))).toMatchObject(share)
    }),
  )
})

test.each(['', '{}', 'null', '{"version":1,"processId":"a","owned":[],"stored":[]}'])(
  'a member that says %j is refused with a sentence',
  text => {
    expect(() => decodeMemberData(Buffer.from(text))).toThrow(
      /does not understand.*Run the same version/s,
    )
    expect(() => decodeShare(Buffer.from(text))).toThrow(/does not understand/)
  },
)
