import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { subjectName } from '../../src/broker/distinguished-name.ts'
import { MillraceError } from '../../src/errors.ts'

const certificate = (name: string): Buffer =>
  new X509Certificate(readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url))).raw

// What Java's X500Principal.getName() says of the same files.
test.each([
  ['server', 'CN=localhost'],
  ['next-server', 'OU=next,CN=localhost'],
  ['client', 'CN=client one,OU=Tests+UID=7,O=Mill\\, Race,L=City,ST=Some State,C=DE'],
  [
    'named',
    'CN=\\ \\#Zoë \\= \\"\\<x\\>\\;\\\\\\\\\\"\\ ,UID=u1,1.2.840.113549.1.9.1=#160d61406578616d706c652e6f7267,DC=example,DC=org',
  ],
])('the subject of %s is named as Kafka names it', (name, expected) => {
  expect(subjectName(certificate(name))).toBe(expected)
})

test('bytes that are no certificate are refused, and nothing worse', () => {
  const whole = certificate('named')
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, end) => {
      const broken = Buffer.from(whole.subarray(0, end))
      broken[at] = byte
      try {
        expect(typeof subjectName(broken)).toBe('string')
      } catch (error) {
        expect(error).toBeInstanceOf(MillraceError)
      }
    }),
    { numRuns: 2000 },
  )
})
