import { expect, test } from 'vitest'
import { entityKey, levelsOf, type QuotaEntity } from '../../../src/broker/quotas/quota-entity.ts'

/** Kafka's order, from the documentation of its quotas. */
const order: [QuotaEntity, QuotaEntity][] = [
  [
    { user: 'u', clientId: 'c' },
    { user: 'u', clientId: 'c' },
  ],
  [
    { user: 'u', clientId: null },
    { user: 'u', clientId: 'c' },
  ],
  [{ user: 'u' }, { user: 'u' }],
  [
    { user: null, clientId: 'c' },
    { user: 'u', clientId: 'c' },
  ],
  [
    { user: null, clientId: null },
    { user: 'u', clientId: 'c' },
  ],
  [{ user: null }, { user: 'u' }],
  [{ clientId: 'c' }, { clientId: 'c' }],
  [{ clientId: null }, { clientId: 'c' }],
]

test('the most special quota counts, and is shared by those it names', () => {
  const levels = levelsOf('u', 'c').map(({ entity, sharedBy }) => [entityKey(entity), sharedBy])
  expect(levels).toEqual(order.map(([entity, shared]) => [entityKey(entity), entityKey(shared)]))
})

test('no two entities have one key', () => {
  const names = [undefined, null, '', '0', 'null', 'a', '","']
  const keys = names.flatMap(user => names.map(clientId => entityKey({ user, clientId })))
  expect(new Set(keys).size).toBe(names.length ** 2)
})
