/** The databases that workers have left behind, read as they are, against the changelogs that they were made from. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { levelEngine } from '../../src/state/level-engine.ts'
import { isIntact, rowValue } from '../../src/state/stored-row.ts'
import { readTaskMetadata } from '../../src/state/task-metadata.ts'
import type { Entry, Lists } from './log-view.ts'
import { changelogOf, type Subject } from './subject.ts'
import { filesNamed } from './worker-process.ts'

/**
 * Each store is the fold of its changelog up to the offset that it says it has come to, whoever has it, and one has come to the
 * end; and the fold of the whole changelog is what the output showed last. Returns how many stores were compared.
 */
export async function verifyStores(
  folder: string,
  lists: Lists,
  subject: Subject,
): Promise<number> {
  const platform = nodePlatform()
  const behind = new Set<string>()
  for (const [store, { shownBy: topic, windowed }] of Object.entries(subject.stores)) {
    const changelog = changelogOf(subject, store)
    for (const [partition, entries] of (lists.get(changelog) ?? []).entries()) {
      if (entries.length > 0) behind.add(`${changelog}-${partition}`)
      const shown = fold(lists.get(topic)?.[partition] ?? [], Infinity)
      const logged = [...fold(entries, Infinity)]
      // The key of a window's row ends in a number that the output does not have.
      const cut = windowed ? -4 : undefined
      assert.deepEqual(
        new Map(logged.map(([key, value]) => [key.slice(0, cut), value])),
        shown,
        `${changelog}-${partition} is not what ${topic} showed last`,
      )
    }
  }
  let compared = 0
  for (const tasks of filesNamed(folder, 'tasks')) {
    const engine = levelEngine({ ...platform, folder: tasks })
    for (const taskId of readdirSync(tasks)) {
      const database = await engine.open(taskId)
      const { checkpoints } = await readTaskMetadata(database, taskId)
      const partition = Number(taskId.split('_')[1])
      for (const [store, { windowed }] of Object.entries(subject.stores)) {
        const topic = changelogOf(subject, store)
        const changelog = `${topic}-${partition}`
        const checkpoint = checkpoints.get(changelog)
        if (checkpoint === undefined) continue
        const prefix = Buffer.from(`${String.fromCodePoint(store.length)}${store}`)
        const rows = new Map<string, string>()
        const to = Buffer.concat([prefix, Buffer.alloc(1, 0xff)])
        for await (const [key, row] of database.entries({ from: prefix, to })) {
          assert(isIntact(key, row), `${join(tasks, taskId)}: a row of ${store} is damaged`)
          // Rows of windows lie by the number of their segment.
          const start = prefix.length + (windowed ? 8 : 0)
          rows.set(key.toString('latin1', start), rowValue(row).toString('latin1'))
        }
        const entries = lists.get(topic)?.[partition] ?? []
        assert.deepEqual(
          rows,
          fold(entries, checkpoint),
          `${join(tasks, taskId)}: ${store} is not its changelog up to ${checkpoint}`,
        )
        if (checkpoint > (entries.at(-1)?.offset ?? -1)) behind.delete(changelog)
        compared += 1
      }
      await database.close()
    }
  }
  assert.deepEqual([...behind], [], 'no store has come to the end of these changelogs')
  return compared
}

/** The last value of each key below an offset. */
function fold(entries: readonly Entry[], end: number): Map<string, string> {
  const rows = new Map<string, string>()
  for (const { key, value, offset } of entries) {
    if (offset >= end || key === null) continue
    if (value === null) rows.delete(key)
    else rows.set(key, value)
  }
  return rows
}
