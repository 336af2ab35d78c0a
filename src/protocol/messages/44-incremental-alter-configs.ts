import { array, bool, defineApi, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Changes single settings: operation 0 set, 1 delete, 2 append, 3 subtract (KIP-339). Version 1 is
 * flexible.
 */
export const incrementalAlterConfigs = defineApi({
  key: 44,
  name: 'IncrementalAlterConfigs',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 1,
  request: {
    resources: array(
      struct({
        resourceType: int8,
        resourceName: string,
        configs: array(struct({ name: string, configOperation: int8, value: string.nullable() })),
      }),
    ),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: int32.default(0),
    responses: array(
      struct({
        errorCode: int16,
        errorMessage: string.nullable().default(null),
        resourceType: int8,
        resourceName: string,
      }),
    ),
  },
})
