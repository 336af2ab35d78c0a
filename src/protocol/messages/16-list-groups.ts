import { array, defineApi, int16, int32, string, struct } from '../schema.ts'

/**
 * The groups that this broker coordinates. Version 3 is flexible, 4 filters by state (KIP-518), 5
 * by type (KIP-848).
 */
export const listGroups = defineApi({
  key: 16,
  name: 'ListGroups',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 3,
  request: { statesFilter: array(string).since(4), typesFilter: array(string).since(5) },
  response: {
    throttleTimeMs: int32.since(1).default(0),
    errorCode: int16,
    groups: array(
      struct({
        groupId: string,
        protocolType: string,
        groupState: string.since(4),
        groupType: string.since(5),
      }),
    ),
  },
})
