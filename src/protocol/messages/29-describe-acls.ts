import { array, defineApi, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Access rules that match a filter. Resource types: 2 topic, 3 group, 4 cluster, 5 transactional
 * id; pattern types: 3 literal, 4 prefixed. Version 2 is flexible, 3 adds the user resource type.
 */
export const describeAcls = defineApi({
  key: 29,
  name: 'DescribeAcls',
  minVersion: 1,
  maxVersion: 3,
  flexibleFrom: 2,
  request: {
    resourceTypeFilter: int8,
    resourceNameFilter: string.nullable(),
    patternTypeFilter: int8.default(3),
    principalFilter: string.nullable(),
    hostFilter: string.nullable(),
    operation: int8,
    permissionType: int8,
  },
  response: {
    throttleTimeMs: int32.default(0),
    errorCode: int16,
    errorMessage: string.nullable().default(null),
    resources: array(
      struct({
        resourceType: int8,
        resourceName: string,
        patternType: int8,
        acls: array(
          struct({ principal: string, host: string, operation: int8, permissionType: int8 }),
        ),
      }),
    ),
  },
})
