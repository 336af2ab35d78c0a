import { join, resolve } from 'node:path'
import process from 'node:process'
import { Command } from 'commander'
import type { GroupAdmin, LogClient } from '../../client/log-client.ts'
import { MillraceError } from '../../errors.ts'
import { nodePlatform } from '../../platform/node-platform.ts'
import type { Files } from '../../platform/platform.ts'
import {
  addConnectionOptions,
  connectionOf,
  type ConnectionOptions,
} from '../connection-options.ts'
import { openClient } from '../connection-settings.ts'
import { loadApp } from '../load-app.ts'
import { addOffsetOptions, offsetChoice, type OffsetOptions } from '../offset-choice.ts'
import { planReset, type ResetPlan } from '../reset-plan.ts'
import { standardErrorLogger } from '../standard-error-logger.ts'

interface Options extends ConnectionOptions, OffsetOptions {
  readonly state?: string
  readonly force?: true
  readonly dryRun?: true
}

/** `millrace reset <app>`: makes an application start over. Kafka's `kafka-streams-application-reset`. */
export function resetCommand(): Command {
  const command = new Command('reset')
    .description('make an app start over: its offsets, its internal topics, its state')
    .argument('<app>', 'app module, such as examples/flights/app.ts')
    .option('--state <folder>', 'remove the state of its workers on this machine, too')
    .option('--force', 'remove members from its group that have not left it, as after a crash')
    .option('--dry-run', 'only say what would be done')
    .action(run)
  return addOffsetOptions(addConnectionOptions(command))
}

async function run(path: string, options: Options): Promise<void> {
  const platform = nodePlatform()
  const { files, clock } = platform
  const connection = connectionOf(options, files)
  const choice = offsetChoice(options, clock.now(), files)
  const topology = (await loadApp(path, platform)).compile()
  const group = topology.applicationId
  const folder =
    options.state === undefined ? undefined : join(resolve(process.cwd(), options.state), group)
  if (folder !== undefined) checkUnused(folder, files)

  const logger = standardErrorLogger(platform, 'warn')
  await using client = await openClient(connection, {
    platform,
    clientId: 'millrace-reset',
    logger,
  })
  const { members } = await client.describeGroup(group)
  if (members.length > 0 && options.force !== true) throw stillRunning(group, members)
  const plan = await planReset(topology, choice, client)
  const keepsState = topology.subtopologies.some(({ stores }) => stores.length > 0)
  const isDryRun = options.dryRun === true
  if (!isDryRun) {
    if (members.length > 0) await client.removeMembers(group)
    await apply(plan, group, client)
    if (folder !== undefined) files.remove(folder)
  }
  say(plan, { folder, keepsState, isDryRun })
}

/** Inputs last: until then, the same command can be given again. */
async function apply(
  plan: ResetPlan,
  group: string,
  client: LogClient & GroupAdmin,
): Promise<void> {
  const withoutMetadata = (offsets: ResetPlan['repartitions']) =>
    offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset, metadata: '' }))
  await client.commitOffsets(group, withoutMetadata(plan.repartitions))
  await client.deleteTopics(plan.deletedTopics)
  await client.commitOffsets(group, withoutMetadata(plan.offsets))
}

function say(
  { offsets, deletedTopics, otherTopics }: ResetPlan,
  more: { folder: string | undefined; keepsState: boolean; isDryRun: boolean },
): void {
  const { folder, keepsState, isDryRun } = more
  const lines = [
    ...offsets.map(
      ({ topic, partition, offset, before }) =>
        `${topic}-${partition}: ${before ?? 'none'} → ${offset}`,
    ),
    ...deletedTopics.map(topic => `${topic}: deleted`),
    ...(folder === undefined ? [] : [`${folder}: removed`]),
    ...(isDryRun ? ['Nothing was changed, because of --dry-run.'] : []),
    ...otherTopics.map(topic => `${topic} stays: the app as it is now has no such topic.`),
    ...(keepsState && folder === undefined
      ? [
          'Workers must not find the state that they had: give --state, or delete its folder, on each machine.',
        ]
      : []),
  ]
  process.stdout.write(lines.map(line => `${line}\n`).join(''))
}

/** Throws FOLDER_LOCKED when a worker lives there. */
function checkUnused(folder: string, files: Files): void {
  for (const worker of files.list(folder)) files.lock(join(folder, worker)).release()
}

function stillRunning(
  group: string,
  members: readonly { clientHost: string; memberId: string }[],
): MillraceError {
  const who = members.map(({ clientHost, memberId }) => `${memberId} at ${clientHost}`).join(', ')
  return new MillraceError(
    'GROUP_NOT_EMPTY',
    `${group} has members: ${who}. Stop them all first. If they are dead already, wait for their session timeout ` +
      `(45 s unless it has another sessionTimeoutMs), or give --force.`,
  )
}
