import type { Connector } from '../../src/client/connection.ts'
import type { GroupAdmin, LogClient } from '../../src/client/log-client.ts'

/** What every test gets: clients that are closed after it, and names that no other test uses. */
export interface ContractWorld {
  readonly client: (wrap?: (connector: Connector) => Connector) => LogClient & GroupAdmin
  readonly name: (what: string) => string
}

/** A new topic and a client for it. */
export async function newTopic(
  { client, name }: ContractWorld,
  partitions: number,
): Promise<{ topic: string; client: LogClient & GroupAdmin }> {
  const topic = name('topic')
  const made = client()
  await made.createTopics([{ name: topic, partitions }])
  return { topic, client: made }
}
