import type { TopicPartition } from '../client/log-client.ts'
import type { PlannedTask } from './partition-plan.ts'

/** What a store is restored from. */
export interface Changelog extends TopicPartition {
  readonly store: string
  /** It is a topic that the task reads, too, which stands for a changelog. */
  readonly isSource: boolean
}

/** The changelogs of a task's stores: of those that have one. */
export function changelogsOf({ subtopology, partition }: PlannedTask): Changelog[] {
  return subtopology.stores.flatMap(({ name: store, changelogTopic, sourceTopic }) => {
    const topic = changelogTopic ?? sourceTopic
    if (topic === undefined) return []
    return [{ store, topic, partition, isSource: topic === sourceTopic }]
  })
}
