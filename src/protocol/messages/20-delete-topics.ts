import { array, defineApi, int16, int32, string, struct, uuid } from '../schema.ts'

/**
 * Deletes topics. Version 4 is flexible, 5 adds error messages, 6 may name topics by id.
 */
export const deleteTopics = defineApi({
  key: 20,
  name: 'DeleteTopics',
  minVersion: 1,
  maxVersion: 6,
  flexibleFrom: 4,
  request: {
    topics: array(struct({ name: string.nullable(), topicId: uuid })).since(6),
    topicNames: array(string).until(5),
    timeoutMs: int32,
  },
  response: {
    throttleTimeMs: int32.default(0),
    responses: array(
      struct({
        name: string.nullable(6),
        topicId: uuid.since(6),
        errorCode: int16,
        errorMessage: string.nullable().since(5).default(null),
      }),
    ),
  },
})
