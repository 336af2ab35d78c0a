/** Rules against the simplest reading of them, and the examples of KIP-11 and KIP-290. */
import {
  type Arbitrary,
  array,
  assert,
  constant,
  constantFrom,
  oneof,
  property,
  record,
} from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Acl, covers, supportedOperations } from '../../../src/broker/security/acl.ts'
import {
  aclIndex as indexWith,
  type AclIndex,
  type Asking,
} from '../../../src/broker/security/acl-index.ts'

const aclIndex = (acls: readonly Acl[]): AclIndex => indexWith(acls, 'Deny')

const allow: Acl = {
  resourceType: 'Topic',
  resourceName: 'orders',
  patternType: 'Literal',
  principal: 'User:alice',
  host: '*',
  operation: 'Read',
  permission: 'Allow',
}
const alice: Asking = {
  principal: 'User:alice',
  host: '10.0.0.1',
  operation: 'Read',
  resourceType: 'Topic',
}

describe('a rule', () => {
  test('allows its principal what it says, and nobody else', () => {
    const index = aclIndex([allow])
    expect(index.decide(alice, 'orders')).toBe(true)
    expect(index.decide({ ...alice, principal: 'User:bob' }, 'orders')).toBe(false)
    expect(index.decide({ ...alice, operation: 'Write' }, 'orders')).toBe(false)
    expect(index.decide(alice, 'orders-2')).toBe(false)
    expect(index.decide({ ...alice, resourceType: 'Group' }, 'orders')).toBe(false)
  })

  test('may be about the beginning of names, or about all', () => {
    const prefixed = aclIndex([{ ...allow, patternType: 'Prefixed', resourceName: 'or' }])
    expect(prefixed.decide(alice, 'orders')).toBe(true)
    expect(prefixed.decide(alice, 'or')).toBe(true)
    expect(prefixed.decide(alice, 'o')).toBe(false)
    const every = aclIndex([{ ...allow, resourceName: '*' }])
    expect(every.decide(alice, 'anything')).toBe(true)
    // A prefix of `*` is about names that begin with an asterisk.
    const asterisk = aclIndex([{ ...allow, patternType: 'Prefixed', resourceName: '*' }])
    expect(asterisk.decide(alice, 'anything')).toBe(false)
  })

  test('that forbids wins over all that allow', () => {
    const deny: Acl = { ...allow, permission: 'Deny', host: '10.0.0.1' }
    const index = aclIndex([allow, { ...allow, resourceName: '*' }, deny])
    expect(index.decide(alice, 'orders')).toBe(false)
    expect(index.decide({ ...alice, host: '10.0.0.2' }, 'orders')).toBe(true)
    const forAll = aclIndex([allow, { ...deny, principal: 'User:*', host: '*' }])
    expect(forAll.decide(alice, 'orders')).toBe(false)
  })

  test('allows what the operation implies, and forbids only what it names', () => {
    for (const operation of ['Read', 'Write', 'Delete', 'Alter'] as const) {
      const index = aclIndex([{ ...allow, operation }])
      expect(index.decide({ ...alice, operation: 'Describe' }, 'orders')).toBe(true)
    }
    const configs = aclIndex([{ ...allow, operation: 'AlterConfigs' }])
    expect(configs.decide({ ...alice, operation: 'DescribeConfigs' }, 'orders')).toBe(true)
    expect(configs.decide({ ...alice, operation: 'Describe' }, 'orders')).toBe(false)
    const readDenied = aclIndex([
      { ...allow, operation: 'All' },
      { ...allow, permission: 'Deny' },
    ])
    expect(readDenied.decide(alice, 'orders')).toBe(false)
    expect(readDenied.decide({ ...alice, operation: 'Describe' }, 'orders')).toBe(true)
  })
})

describe('whether there is anything it may be done to', () => {
  test.each<[string, Acl[], boolean]>([
    ['no rules', [], false],
    ['an allowed literal', [allow], true],
    ['denied again', [allow, { ...allow, permission: 'Deny' }], false],
    ['another one denied', [allow, { ...allow, resourceName: 'x', permission: 'Deny' }], true],
    ['all denied', [allow, { ...allow, resourceName: '*', permission: 'Deny' }], false],
    [
      'a prefix denied that covers it',
      [allow, { ...allow, patternType: 'Prefixed', resourceName: 'ord', permission: 'Deny' }],
      false,
    ],
    [
      'a prefix denied, all others allowed',
      [
        { ...allow, resourceName: '*' },
        { ...allow, patternType: 'Prefixed', resourceName: 'o', permission: 'Deny' },
      ],
      true,
    ],
    ['allowed to another', [{ ...allow, principal: 'User:bob' }], false],
  ])('%s', (_, acls, expected) => {
    expect(aclIndex(acls).decideAny(alice)).toBe(expected)
  })
})

test('where no rule speaks of a resource the fallback counts', () => {
  const deny: Acl = { ...allow, permission: 'Deny' }
  const index = indexWith([allow, deny], 'Allow')
  expect(index.decide(alice, 'orders')).toBe(false)
  expect(index.decide(alice, 'other')).toBe(true)
  expect(index.decideAny(alice)).toBe(true)
  expect(indexWith([{ ...deny, resourceName: '*' }], 'Allow').decideAny(alice)).toBe(false)
})

const name = constantFrom('a', 'ab', 'abc', 'b', '*')
const operation = constantFrom(...supportedOperations.Topic)
const resourceType = constantFrom('Topic' as const, 'Group' as const)
const host = constantFrom('10.0.0.1', '10.0.0.2')
const principal = constantFrom('User:a', 'User:b')
const anyAcl: Arbitrary<Acl> = record({
  resourceType,
  resourceName: name,
  patternType: constantFrom('Literal' as const, 'Prefixed' as const),
  principal: oneof(principal, constant('User:*')),
  host: oneof(host, constant('*')),
  operation: oneof(operation, constant('All' as const)),
  permission: constantFrom('Allow' as const, 'Allow' as const, 'Deny' as const),
})
const anyAsking: Arbitrary<Asking> = record({ principal, host, operation, resourceType })

function about(acl: Acl, type: string, resource: string): boolean {
  if (acl.resourceType !== type) return false
  if (acl.patternType === 'Prefixed') return resource.startsWith(acl.resourceName)
  return acl.resourceName === '*' || acl.resourceName === resource
}

test('the index answers as going through all rules does', () => {
  assert(
    property(array(anyAcl), anyAsking, name, (acls, asking, resource) => {
      const known = acls.filter(acl => about(acl, asking.resourceType, resource))
      const speaking = known.filter(
        acl =>
          ['User:*', asking.principal].includes(acl.principal) &&
          ['*', asking.host].includes(acl.host) &&
          covers(acl, asking.operation),
      )
      const denied = speaking.some(acl => acl.permission === 'Deny')
      for (const fallback of ['Allow', 'Deny'] as const) {
        const expected = known.length === 0 ? fallback === 'Allow' : !denied && speaking.length > 0
        expect(indexWith(acls, fallback).decide(asking, resource)).toBe(expected)
      }
    }),
  )
})

test('what may be done to something may be done to anything', () => {
  assert(
    property(array(anyAcl), anyAsking, name, (acls, asking, resource) => {
      for (const fallback of ['Allow', 'Deny'] as const) {
        const index = indexWith(acls, fallback)
        if (index.decide(asking, resource)) expect(index.decideAny(asking)).toBe(true)
      }
    }),
  )
})
