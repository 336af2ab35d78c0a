import { bytes, defineApi, int16, int64, string } from '../schema.ts'

/**
 * One step of the SASL exchange. Version 1 tells the session's lifetime (KIP-368), 2 is flexible.
 */
export const saslAuthenticate = defineApi({
  key: 36,
  name: 'SaslAuthenticate',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  request: { authBytes: bytes },
  response: {
    errorCode: int16,
    errorMessage: string.nullable().default(null),
    authBytes: bytes,
    sessionLifetimeMs: int64.since(1),
  },
})
