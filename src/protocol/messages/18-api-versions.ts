import { array, bool, defineApi, int16, int32, int64, string, struct } from '../schema.ts'

/**
 * The first request of a connection: which APIs and versions the broker knows. A version above the
 * broker's is answered in the layout of version 0 with UNSUPPORTED_VERSION (KIP-511); the response
 * header never has tags.
 *
 * Version 3 is flexible and names the client's software and the cluster's features; 4 may list
 * features that start at 0.
 */
export const apiVersions = defineApi({
  key: 18,
  name: 'ApiVersions',
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 3,
  request: { clientSoftwareName: string.since(3), clientSoftwareVersion: string.since(3) },
  response: {
    errorCode: int16,
    apiKeys: array(struct({ apiKey: int16, minVersion: int16, maxVersion: int16 })),
    throttleTimeMs: int32.since(1).default(0),
    supportedFeatures: array(struct({ name: string, minVersion: int16, maxVersion: int16 }))
      .since(3)
      .tagged(0),
    finalizedFeaturesEpoch: int64.since(3).tagged(1).default(-1),
    finalizedFeatures: array(
      struct({ name: string, maxVersionLevel: int16, minVersionLevel: int16 }),
    )
      .since(3)
      .tagged(2),
    zkMigrationReady: bool.since(3).tagged(3),
  },
})
