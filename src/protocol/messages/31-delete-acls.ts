import { array, defineApi, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Removes the access rules that match filters; codes as in DescribeAcls. Version 2 is flexible.
 */
export const deleteAcls = defineApi({
  key: 31,
  name: 'DeleteAcls',
  minVersion: 1,
  maxVersion: 3,
  flexibleFrom: 2,
  request: {
    filters: array(
      struct({
        resourceTypeFilter: int8,
        resourceNameFilter: string.nullable(),
        patternTypeFilter: int8.default(3),
        principalFilter: string.nullable(),
        hostFilter: string.nullable(),
        operation: int8,
        permissionType: int8,
      }),
    ),
  },
  response: {
    throttleTimeMs: int32.default(0),
    filterResults: array(
      struct({
        errorCode: int16,
        errorMessage: string.nullable().default(null),
        matchingAcls: array(
          struct({
            errorCode: int16,
            errorMessage: string.nullable().default(null),
            resourceType: int8,
            resourceName: string,
            patternType: int8,
            principal: string,
            host: string,
            operation: int8,
            permissionType: int8,
          }),
        ),
      }),
    ),
  },
})
