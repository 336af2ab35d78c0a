import { expect, test } from 'vitest'

import { topicNameProblem } from '../../src/protocol/topic-name.ts'

test.each(['orders', 'A.b_c-9', '...', '-', '__consumer_offsets', 'x'.repeat(249)])(
  '%s may be the name of a topic',
  name => expect(topicNameProblem(name)).toBeNull(),
)

test.each([
  ['', 'is empty'],
  ['.', 'stands for a folder'],
  ['..', 'stands for a folder'],
  ['x'.repeat(250), 'has 250 characters'],
  ['a b', 'other characters'],
  ['a/b', 'other characters'],
  ['grün', 'other characters'],
  ['a\n', 'other characters'],
])('%j may not', (name, problem) => {
  expect(topicNameProblem(name)).toMatch(new RegExp(`${problem}.*at most 249 characters`))
})
