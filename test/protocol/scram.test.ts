/** SCRAM by the examples of RFC 7677, and names as RFC 5802 writes them. */
import { assert, property, string } from 'fast-check'
import { expect, test } from 'vitest'
import {
  clientProof,
  decodeSaslName,
  encodeSaslName,
  isClientProof,
  saltPassword,
  scramCredential,
  scramKeyBytes,
  scramMechanisms,
  serverSignature,
} from '../../src/protocol/scram.ts'

test('the example of RFC 7677', async () => {
  const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
  const how = { salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), iterations: 4096 }
  const authMessage = [
    'n=user,r=rOprNGfwEbeRWgbNEkqO',
    `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
    `c=biws,r=${nonce}`,
  ].join(',')
  const salted = await saltPassword('SCRAM-SHA-256', 'pencil', how)
  const proof = clientProof('SCRAM-SHA-256', salted, authMessage)
  expect(proof.toString('base64')).toBe('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=')
  const credential = scramCredential('SCRAM-SHA-256', salted, how)
  const signature = serverSignature('SCRAM-SHA-256', credential.serverKey, authMessage)
  expect(signature.toString('base64')).toBe('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
  expect(isClientProof('SCRAM-SHA-256', credential, { authMessage, bytes: proof })).toBe(true)
})

test.each(scramMechanisms)('%s: a proof with any bit changed is none', async mechanism => {
  const how = { salt: Buffer.from('salt'), iterations: 1 }
  const salted = await saltPassword(mechanism, 'password', how)
  const credential = scramCredential(mechanism, salted, how)
  const authMessage = 'what both sides have said'
  const proof = clientProof(mechanism, salted, authMessage)
  expect(proof).toHaveLength(scramKeyBytes(mechanism))
  expect(isClientProof(mechanism, credential, { authMessage, bytes: proof })).toBe(true)
  for (let bit = 0; bit < proof.length * 8; bit++) {
    const bytes = Buffer.from(proof)
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    expect(isClientProof(mechanism, credential, { authMessage, bytes })).toBe(false)
  }
  expect(isClientProof(mechanism, credential, { authMessage: 'else', bytes: proof })).toBe(false)
})

test('a name is what it was before it was encoded', () => {
  assert(
    property(string({ unit: 'binary' }), name => {
      const encoded = encodeSaslName(name)
      expect(encoded).not.toContain(',')
      expect(decodeSaslName(encoded)).toBe(name)
    }),
  )
  for (const wrong of ['=', 'a=2', 'a=2D', 'a,b', '=3d']) expect(decodeSaslName(wrong)).toBeNull()
})
