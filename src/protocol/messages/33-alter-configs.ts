import { array, bool, defineApi, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Replaces all dynamic settings of a resource; what is not named goes back to its default. Version
 * 2 is flexible.
 */
export const alterConfigs = defineApi({
  key: 33,
  name: 'AlterConfigs',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  request: {
    resources: array(
      struct({
        resourceType: int8,
        resourceName: string,
        configs: array(struct({ name: string, value: string.nullable() })),
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
