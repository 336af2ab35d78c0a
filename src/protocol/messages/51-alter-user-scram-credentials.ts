import { array, bytes, defineApi, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Sets or removes SCRAM credentials (KIP-554). Mechanisms: 1 SCRAM-SHA-256, 2 SCRAM-SHA-512.
 */
export const alterUserScramCredentials = defineApi({
  key: 51,
  name: 'AlterUserScramCredentials',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  request: {
    deletions: array(struct({ name: string, mechanism: int8 })),
    upsertions: array(
      struct({
        name: string,
        mechanism: int8,
        iterations: int32,
        salt: bytes,
        saltedPassword: bytes,
      }),
    ),
  },
  response: {
    throttleTimeMs: int32.default(0),
    results: array(
      struct({ user: string, errorCode: int16, errorMessage: string.nullable().default(null) }),
    ),
  },
})
