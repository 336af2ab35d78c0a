import { array, defineApi, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Which users have SCRAM credentials, without the secrets (KIP-554). Mechanisms: 1 SCRAM-SHA-256,
 * 2 SCRAM-SHA-512.
 */
export const describeUserScramCredentials = defineApi({
  key: 50,
  name: 'DescribeUserScramCredentials',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  request: { users: array(struct({ name: string })).nullable() },
  response: {
    throttleTimeMs: int32.default(0),
    errorCode: int16,
    errorMessage: string.nullable().default(null),
    results: array(
      struct({
        user: string,
        errorCode: int16,
        errorMessage: string.nullable().default(null),
        credentialInfos: array(struct({ mechanism: int8, iterations: int32 })),
      }),
    ),
  },
})
