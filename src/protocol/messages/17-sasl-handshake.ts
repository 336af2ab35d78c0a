import { array, defineApi, int16, string } from '../schema.ts'

/**
 * Chooses the SASL mechanism. After version 0 the tokens follow as bare frames, after 1 inside
 * SaslAuthenticate.
 */
export const saslHandshake = defineApi({
  key: 17,
  name: 'SaslHandshake',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: null,
  request: { mechanism: string },
  response: { errorCode: int16, mechanisms: array(string) },
})
