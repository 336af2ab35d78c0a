/**
 * Writes one commit after the other into a LevelDB under the folder given, until it is killed; says so after each. The
 * commits are `rowsOfCommit`, and the checkpoint counts them.
 */
import process from 'node:process'
import { pathToFileURL } from 'node:url'

import { silentLogger } from '../../src/logger.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { bytes } from '../../src/serde/bytes.ts'
import { string } from '../../src/serde/string.ts'
import { KeyValueStore } from '../../src/state/key-value-store.ts'
import { levelEngine } from '../../src/state/level-engine.ts'
import type { StoreDefinition } from '../../src/state/store-definition.ts'
import { openTaskState } from '../../src/state/open-task-state.ts'
import type { TaskState } from '../../src/state/task-state.ts'

export const changelog = { topic: 'app-rows-changelog', partition: 0 }

const rows: StoreDefinition = {
  kind: 'timestampedKeyValue',
  name: 'rows',
  key: string(),
  value: bytes(),
  changelogTopic: changelog.topic,
}

export const openStores = (folder: string, logger = silentLogger): Promise<TaskState> =>
  openTaskState({
    engine: levelEngine({ ...nodePlatform(), folder }),
    taskId: '0_0',
    stores: [rows],
    bootId: 'boot',
    logger,
  })

export function rowsOf(state: TaskState): KeyValueStore {
  const store = state.rows('rows')
  if (!(store instanceof KeyValueStore)) throw new Error('no key-value store')
  return store
}

/** Overwrites that LevelDB has to compact; values that it cannot compress. */
export function* rowsOfCommit(commit: number): Iterable<[key: string, value: Buffer]> {
  const value = Buffer.alloc(2000)
  let noise = commit
  for (let at = 0; at < value.length; at += 4) {
    noise = (Math.imul(noise, 1664525) + 1013904223) >>> 0
    value.writeUInt32LE(noise, at)
  }
  for (let i = 0; i < 300; i++) {
    value.writeUInt32LE(i)
    yield [`key-${(commit * 7919 + i * 13) % 20_000}`, Buffer.from(value)]
  }
}

async function writeUntilKilled(folder: string): Promise<void> {
  const state = await openStores(folder)
  let commit = state.checkpoint(changelog) ?? 0
  for (;;) {
    for (const [key, value] of rowsOfCommit(commit)) rowsOf(state).put(key, value, commit)
    state.prepareCommit(() => {})
    commit++
    await state.completeCommit([{ ...changelog, offset: commit }])
    process.stdout.write('.')
  }
}

const [, script = '', folder] = process.argv
if (folder !== undefined && import.meta.url === pathToFileURL(script).href) {
  await writeUntilKilled(folder)
}
