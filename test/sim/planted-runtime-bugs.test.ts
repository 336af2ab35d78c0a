/**
 * Bugs of the runtime, planted between an instance and the broker: the world that finds none in the runtime finds these, within
 * ten times as many seeds as it runs each time.
 */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { type Plant, runApplication } from './application-world.ts'

const seeds = 150

const offsets = z.looseObject({
  topics: z.array(
    z.looseObject({ partitions: z.array(z.looseObject({ committedOffset: z.number() })) }),
  ),
})

const plants: readonly { bug: string; plant: Plant; shows: RegExp }[] = [
  {
    bug: 'what was not committed is read',
    plant: (api, body) =>
      api === 'Fetch' ? { ...z.looseObject({}).parse(body), isolationLevel: 0 } : body,
    shows: /^In |^The count of/,
  },
  {
    bug: 'offsets are committed that were not reached',
    plant: (api, body) => {
      if (api !== 'TxnOffsetCommit') return body
      const request = offsets.parse(body)
      for (const { partitions } of request.topics) {
        for (const partition of partitions) partition.committedOffset += 1
      }
      return request
    },
    shows: /is committed, which ends at|is not its input/,
  },
  {
    bug: 'a zombie commits without its generation',
    plant: (api, body) =>
      api === 'TxnOffsetCommit'
        ? {
            ...offsets.parse(body),
            generationIdOrMemberEpoch: -1,
            memberId: '',
            groupInstanceId: null,
          }
        : body,
    shows: /is not its input/,
  },
]

test.each(plants)(
  'found: $bug',
  async ({ plant, shows }) => {
    let violation: string | undefined
    for (let seed = 1; seed <= seeds && violation === undefined; seed++) {
      violation = (await runApplication(seed, plant)).violation
    }
    expect(violation).toMatch(shows)
  },
  300_000,
)
