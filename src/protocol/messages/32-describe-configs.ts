import { array, bool, defineApi, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Settings of resources (2 topic, 4 broker, 8 broker logger, 32 group), null keys for all, with
 * where each value comes from. Version 3 adds types and documentation, 4 is flexible.
 */
export const describeConfigs = defineApi({
  key: 32,
  name: 'DescribeConfigs',
  minVersion: 1,
  maxVersion: 4,
  flexibleFrom: 4,
  request: {
    resources: array(
      struct({
        resourceType: int8,
        resourceName: string,
        configurationKeys: array(string).nullable(),
      }),
    ),
    includeSynonyms: bool,
    includeDocumentation: bool.since(3),
  },
  response: {
    throttleTimeMs: int32.default(0),
    results: array(
      struct({
        errorCode: int16,
        errorMessage: string.nullable().default(null),
        resourceType: int8,
        resourceName: string,
        configs: array(
          struct({
            name: string,
            value: string.nullable(),
            readOnly: bool,
            configSource: int8,
            isSensitive: bool,
            synonyms: array(struct({ name: string, value: string.nullable(), source: int8 })),
            configType: int8.since(3),
            documentation: string.nullable().since(3),
          }),
        ),
      }),
    ),
  },
})
