import { array, bool, defineApi, float64, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Quotas that match entities: match type 0 exact, 1 default, 2 any (KIP-546). Version 1 is
 * flexible.
 */
export const describeClientQuotas = defineApi({
  key: 48,
  name: 'DescribeClientQuotas',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 1,
  request: {
    components: array(struct({ entityType: string, matchType: int8, match: string.nullable() })),
    strict: bool,
  },
  response: {
    throttleTimeMs: int32.default(0),
    errorCode: int16,
    errorMessage: string.nullable().default(null),
    entries: array(
      struct({
        entity: array(struct({ entityType: string, entityName: string.nullable() })),
        values: array(struct({ key: string, value: float64 })),
      }),
    ).nullable(),
  },
})
