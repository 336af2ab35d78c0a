import { array, bool, defineApi, float64, int16, int32, string, struct } from '../schema.ts'

/**
 * Sets or removes quotas of entities (KIP-546). Version 1 is flexible.
 */
export const alterClientQuotas = defineApi({
  key: 49,
  name: 'AlterClientQuotas',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 1,
  request: {
    entries: array(
      struct({
        entity: array(struct({ entityType: string, entityName: string.nullable() })),
        ops: array(struct({ key: string, value: float64, remove: bool })),
      }),
    ),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: int32.default(0),
    entries: array(
      struct({
        errorCode: int16,
        errorMessage: string.nullable().default(null),
        entity: array(struct({ entityType: string, entityName: string.nullable() })),
      }),
    ),
  },
})
