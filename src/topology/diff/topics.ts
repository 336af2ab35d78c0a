import type { InternalTopic } from '../topology.ts'
import type {
  SinkDescription,
  SubtopologyDescription,
  TopologyDescription,
} from '../topology-description.ts'
import type { TopologyChange } from './topology-change.ts'

/** Repartition topics that are gone or not what they were, and changelogs that may have another number of partitions. */
export function diffTopics(
  before: TopologyDescription,
  after: TopologyDescription,
): TopologyChange[] {
  return [...diffRepartitionTopics(before, after), ...diffTaskCounts(before, after)]
}

function diffRepartitionTopics(
  before: TopologyDescription,
  after: TopologyDescription,
): TopologyChange[] {
  const now = repartitionTopics(after)
  return [...repartitionTopics(before)].flatMap(([name, topic]): TopologyChange[] => {
    const other = now.get(name)
    if (other === undefined) return [lost(name)]
    return [
      ...diffPartitions(topic, other),
      ...diffSerdes(name, writersOf(name, before), writersOf(name, after)),
    ]
  })
}

/** By name. */
function repartitionTopics({ internalTopics }: TopologyDescription): Map<string, InternalTopic> {
  const topics = internalTopics.filter(({ kind }) => kind === 'repartition')
  return new Map(topics.map(topic => [topic.name, topic]))
}

function lost(name: string): TopologyChange {
  return {
    severity: 'breaksState',
    subject: 'repartitionTopic',
    name,
    message:
      `The repartition topic ${name} is not read any more: records that stand in it at the deploy are lost. Keep its name, ` +
      `or stop all writers and let the application read to the end first.`,
  }
}

function diffPartitions(before: InternalTopic, after: InternalTopic): TopologyChange[] {
  const { name } = before
  if (before.partitions === after.partitions) return []
  const count = ({ partitions }: InternalTopic): string =>
    partitions === undefined ? 'as many partitions as its inputs' : `${partitions} partitions`
  return [
    {
      severity: 'needsReset',
      subject: 'repartitionTopic',
      name,
      message:
        `The repartition topic ${name} is to have ${count(after)}, before ${count(before)}: if that is another number, the ` +
        `application does not start. Reset it then.`,
    },
  ]
}

function diffSerdes(
  name: string,
  before: SinkDescription | undefined,
  after: SinkDescription | undefined,
): TopologyChange[] {
  if (before === undefined || after === undefined) return []
  return (['key', 'value'] as const)
    .filter(part => before[part] !== after[part])
    .map(part => ({
      severity: 'breaksState',
      subject: 'repartitionTopic',
      name,
      message:
        `The ${part}s of the repartition topic ${name} are read as ${after[part]}, but were written as ${before[part]}: what ` +
        `stands in it at the deploy cannot be read. Let the application read to the end first, or rename the topic.`,
    }))
}

function writersOf(
  topic: string,
  { subtopologies }: TopologyDescription,
): SinkDescription | undefined {
  const nodes = subtopologies.flatMap(part => part.nodes)
  return nodes.find((node): node is SinkDescription => node.kind === 'sink' && node.topic === topic)
}

/**
 * A changelog has as many partitions as its sub-topology has tasks, and that is the largest number among the topics that
 * come in from outside, through whatever repartition topics.
 */
function diffTaskCounts(before: TopologyDescription, after: TopologyDescription): TopologyChange[] {
  return before.subtopologies.flatMap(part =>
    part.stores.flatMap(({ name, changelogTopic }): TopologyChange[] => {
      const other = after.subtopologies.find(({ stores }) =>
        stores.some(store => store.name === name && store.changelogTopic === changelogTopic),
      )
      if (other === undefined || changelogTopic === null) return []
      const [old, now] = [outsideTopics(part, before), outsideTopics(other, after)]
      if (old.join() === now.join()) return []
      return [
        {
          severity: 'needsReset',
          subject: 'store',
          name,
          message:
            `The topic ${changelogTopic} gets its number of partitions from ${now.join(', ')}, before from ${old.join(', ')}: ` +
            `if that is another number, the application does not start. Reset it then.`,
        },
      ]
    }),
  )
}

/** The topics that decide how many tasks there are, sorted. */
function outsideTopics(part: SubtopologyDescription, whole: TopologyDescription): string[] {
  const internal = repartitionTopics(whole)
  const found = new Set<string>()
  const seen = new Set<string>()
  const visit = ({ nodes }: SubtopologyDescription): void => {
    for (const node of nodes) {
      if (node.kind === 'source' && node.pattern !== undefined) found.add(`/${node.pattern}/`)
    }
    for (const topic of nodes.flatMap(node => (node.kind === 'source' ? node.topics : []))) {
      const repartition = internal.get(topic)
      if (repartition === undefined) found.add(topic)
      else if (repartition.partitions !== undefined)
        found.add(`${repartition.partitions} of ${topic}`)
      else if (!seen.has(topic)) {
        seen.add(topic)
        whole.subtopologies.filter(writes(topic)).forEach(visit)
      }
    }
  }
  visit(part)
  return [...found].sort()
}

const writes =
  (topic: string) =>
  ({ nodes }: SubtopologyDescription): boolean =>
    nodes.some(node => node.kind === 'sink' && node.topic === topic)
