import { diffStores } from './diff/stores.ts'
import { diffTopics } from './diff/topics.ts'
import { diffSubtopologies } from './diff/subtopologies.ts'
import { type TopologyChange, severities } from './diff/topology-change.ts'
import type { TopologyDescription } from './topology-description.ts'

/**
 * What a deploy does to an application that has run: what of its state and its unread records is lost, what keeps it from
 * starting, what it merely has to restore. The most severe comes first; a topology that keeps its stores and internal topics
 * gives nothing.
 *
 * Names and serdes are compared, not functions: that an aggregation adds up something else now is for its author to know.
 *
 * @example
 * ```ts
 * import { defineApp, describeTopology, diffTopologies, string } from 'millrace'
 *
 * const text = { key: string(), value: string() }
 * const version = (store: string) =>
 *   defineApp('words', builder => {
 *     builder.stream('lines', text).groupByKey().count({ store })
 *   }).compile()
 *
 * const changes = diffTopologies(describeTopology(version('counts')), describeTopology(version('totals')))
 * changes.map(({ severity, message }) => `${severity}: ${message}`).join() // →
 * // breaksState: The store counts is gone, and totals is new: if it was renamed, its rows do not go with it. Keep the name, or process the input anew.
 * ```
 */
export function diffTopologies(
  before: TopologyDescription,
  after: TopologyDescription,
): TopologyChange[] {
  if (before.applicationId !== after.applicationId) return [renamed(before, after)]
  const changes = [
    ...diffStores(before, after),
    ...diffTopics(before, after),
    ...diffSubtopologies(before, after),
  ]
  return changes.sort(
    (one, two) => severities.indexOf(one.severity) - severities.indexOf(two.severity),
  )
}

function renamed(before: TopologyDescription, after: TopologyDescription): TopologyChange {
  return {
    severity: 'breaksState',
    subject: 'application',
    name: before.applicationId,
    message:
      `The application ${before.applicationId} is called ${after.applicationId} now: it begins with empty stores and without ` +
      `committed offsets. Keep the name, unless it is to start anew.`,
  }
}
