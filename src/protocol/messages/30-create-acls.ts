import { array, defineApi, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Adds access rules; codes as in DescribeAcls. Version 2 is flexible.
 */
export const createAcls = defineApi({
  key: 30,
  name: 'CreateAcls',
  minVersion: 1,
  maxVersion: 3,
  flexibleFrom: 2,
  request: {
    creations: array(
      struct({
        resourceType: int8,
        resourceName: string,
        resourcePatternType: int8.default(3),
        principal: string,
        host: string,
        operation: int8,
        permissionType: int8,
      }),
    ),
  },
  response: {
    throttleTimeMs: int32.default(0),
    results: array(struct({ errorCode: int16, errorMessage: string.nullable().default(null) })),
  },
})
