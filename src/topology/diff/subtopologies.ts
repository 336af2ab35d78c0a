import type { SubtopologyDescription, TopologyDescription } from '../topology-description.ts'
import type { TopologyChange } from './topology-change.ts'

/**
 * Sub-topologies that have another number: a part is the one that has a store or a source topic of the old one. Tasks are
 * called after the number, so their folders are, too.
 */
export function diffSubtopologies(
  before: TopologyDescription,
  after: TopologyDescription,
): TopologyChange[] {
  return before.subtopologies.flatMap((part): TopologyChange[] => {
    const heir = heirOf(part, after)
    if (heir === undefined || heir.id === part.id) return []
    const own = part.stores.filter(({ name }) => heir.stores.some(store => store.name === name))
    const unlogged = own.filter(({ changelogTopic }) => changelogTopic === null)
    const names = own.map(({ name }) => name).join(', ')
    const stores =
      own.length === 0
        ? ''
        : unlogged.length === 0
          ? ` Its stores are restored from their changelogs: ${names}.`
          : ` Rows of stores without a changelog are lost: ${unlogged.map(({ name }) => name).join(', ')}.`
    return [
      {
        severity: unlogged.length === 0 ? 'safe' : 'breaksState',
        subject: 'subtopology',
        name: `${part.id}`,
        message:
          `Sub-topology ${part.id} is ${heir.id} now, and so are the names of its tasks.${stores} Stop all instances of the ` +
          `old version before the first of the new one starts.`,
      },
    ]
  })
}

function heirOf(
  part: SubtopologyDescription,
  { subtopologies }: TopologyDescription,
): SubtopologyDescription | undefined {
  const stores = new Set(part.stores.map(({ name }) => name))
  const topics = topicsOf(part)
  return (
    subtopologies.find(other => other.stores.some(({ name }) => stores.has(name))) ??
    subtopologies.find(other => topicsOf(other).some(topic => topics.includes(topic)))
  )
}

function topicsOf({ nodes }: SubtopologyDescription): string[] {
  return nodes.flatMap(node =>
    node.kind === 'source'
      ? [...node.topics, ...(node.pattern === undefined ? [] : [`/${node.pattern}/`])]
      : [],
  )
}
