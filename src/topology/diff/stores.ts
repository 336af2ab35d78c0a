import type { StoreDescription, TopologyDescription } from '../topology-description.ts'
import type { TopologyChange } from './topology-change.ts'

/** Stores that are gone, new, or not what they were. */
export function diffStores(
  before: TopologyDescription,
  after: TopologyDescription,
): TopologyChange[] {
  const [old, now] = [storesOf(before), storesOf(after)]
  const gone = [...old.values()].filter(({ name }) => !now.has(name))
  const fresh = [...now.values()].filter(({ name }) => !old.has(name))
  const changes: TopologyChange[] = []
  for (const store of gone) {
    const at = fresh.findIndex(other => isLike(store, other))
    const [heir] = at < 0 ? [] : fresh.splice(at, 1)
    changes.push(heir === undefined ? lost(store) : renamed(store, heir))
  }
  changes.push(...fresh.map(added))
  for (const store of old.values()) {
    const other = now.get(store.name)
    if (other !== undefined) changes.push(...changed(store, other))
  }
  return changes
}

/** By name. Global stores are read anew from their topics, so nothing of them can be lost. */
function storesOf({ subtopologies }: TopologyDescription): Map<string, StoreDescription> {
  return new Map(subtopologies.flatMap(({ stores }) => stores.map(store => [store.name, store])))
}

/** Whether the rows of one could be those of the other. */
function isLike(one: StoreDescription, two: StoreDescription): boolean {
  return (
    one.kind === two.kind &&
    one.key === two.key &&
    one.value === two.value &&
    one.windowSizeMs === two.windowSizeMs
  )
}

function renamed({ name }: StoreDescription, heir: StoreDescription): TopologyChange {
  return {
    severity: 'breaksState',
    subject: 'store',
    name,
    message:
      `The store ${name} is gone, and ${heir.name} is new: if it was renamed, its rows do not go with it. ` +
      `Keep the name, or process the input anew.`,
  }
}

function lost({ name, changelogTopic }: StoreDescription): TopologyChange {
  const topic =
    changelogTopic === null
      ? ''
      : ` The topic ${changelogTopic} stays; delete it when nobody needs it.`
  return {
    severity: 'breaksState',
    subject: 'store',
    name,
    message: `The store ${name} is gone, and its rows with it.${topic}`,
  }
}

function added({ name }: StoreDescription): TopologyChange {
  return {
    severity: 'safe',
    subject: 'store',
    name,
    message: `The store ${name} is new: it begins empty, with the records that come after the deploy.`,
  }
}

function changed(before: StoreDescription, after: StoreDescription): TopologyChange[] {
  const { name } = before
  const changes: TopologyChange[] = []
  const add = (severity: TopologyChange['severity'], message: string): void => {
    changes.push({ severity, subject: 'store', name, message })
  }
  if (before.kind !== after.kind) {
    add(
      'breaksState',
      `The store ${name} is of the kind ${after.kind}, before ${before.kind}: it cannot read its rows. Give it another ` +
        `name, or reset the application.`,
    )
  }
  for (const part of ['key', 'value'] as const) {
    if (before[part] === after[part]) continue
    add(
      'breaksState',
      `The ${part}s of the store ${name} are read as ${after[part]}, but its rows were written as ${before[part]}. Keep ` +
        `the serde, give the store another name, or reset the application.`,
    )
  }
  if (before.kind === after.kind && before.windowSizeMs !== after.windowSizeMs) {
    add(
      'breaksState',
      `The windows of the store ${name} are ${sizeOf(after)}, before ${sizeOf(before)}: rows of old windows would be ` +
        `taken for rows of new ones. Give the store another name.`,
    )
  }
  const [oldRetention, retention] = [before.retentionMs ?? 0, after.retentionMs ?? 0]
  if (retention < oldRetention) {
    add(
      'breaksState',
      `The store ${name} keeps rows for ${retention} ms, before for ${oldRetention} ms: older ones are gone after the deploy.`,
    )
  } else if (retention > oldRetention) {
    add(
      'safe',
      `The store ${name} keeps rows for ${retention} ms, before for ${oldRetention} ms: what has expired does not come back.`,
    )
  }
  if (before.changelogTopic !== after.changelogTopic) changes.push(changelogChanged(before, after))
  return changes
}

const sizeOf = ({ windowSizeMs }: StoreDescription): string =>
  windowSizeMs === undefined ? 'of no fixed size' : `${windowSizeMs} ms long`

function changelogChanged(before: StoreDescription, after: StoreDescription): TopologyChange {
  const { name } = before
  const subject = 'store'
  if (after.changelogTopic === null) {
    return {
      severity: 'breaksState',
      subject,
      name,
      message: `The store ${name} has no changelog any more: whatever takes its disk or moves its task takes its rows.`,
    }
  }
  return {
    severity: 'breaksState',
    subject,
    name,
    message:
      `The store ${name} is restored from ${after.changelogTopic}, before ${before.changelogTopic === null ? 'from nothing' : `from ${before.changelogTopic}`}: ` +
      `rows that this topic does not have are lost. Reset the application.`,
  }
}
