/** Kinds of things with settings, by Kafka's number (`ConfigResource.Type`). */
export const resourceType = { topic: 2, broker: 4 } as const
