import process from 'node:process'
import { Command, InvalidArgumentError } from 'commander'
import kafkajs, { type Admin, type ITopicMetadata } from 'kafkajs'
import { withAdmin } from '../admin.ts'
import { MillraceError } from '../../errors.ts'
import { addConnectionOptions, type ConnectionOptions } from '../connection-options.ts'
import { parseCount } from '../options.ts'
import { printTable } from '../print-table.ts'

// Node finds no names for these in what kafkajs exports.
const { ConfigResourceTypes, ConfigSource } = kafkajs

interface Options extends ConnectionOptions {
  readonly json?: true
}

interface CreateOptions extends Options {
  readonly partitions?: number
  readonly replicationFactor?: number
  readonly config: Readonly<Record<string, string>>
}

/** `millrace topics`: lists, describes, makes and deletes topics. */
export function topicsCommand(): Command {
  const list = new Command('list')
    .description('names and partitions of all topics')
    .option('--json', 'one JSON object a line')
    .action((options: Options) => withAdmin(options, client => listTopics(client, options)))
  const describe = new Command('describe')
    .description('partitions of topics, where they are, and the settings that were given')
    .argument('<topic...>', 'names')
    .option('--json', 'one JSON object a line')
    .action((names: string[], options: Options) =>
      withAdmin(options, client => describeTopics(client, names, options)),
    )
  const create = new Command('create')
    .description('make a topic')
    .argument('<topic>', 'name')
    .option('--partitions <n>', 'how many (default: the broker’s)', parseCount)
    .option('--replication-factor <n>', 'copies (default: the broker’s)', parseCount)
    .option('--config <name=value>', 'a setting; several may be given', addSetting, {})
    .action((topic: string, options: CreateOptions) =>
      withAdmin(options, client => createTopic(client, topic, options)),
    )
  const remove = new Command('delete')
    .description('delete topics with all their records')
    .argument('<topic...>', 'names')
    .action((topics: string[], options: Options) =>
      withAdmin(options, async client => {
        await existing(client, topics)
        await client.deleteTopics({ topics })
        process.stdout.write(topics.map(topic => `deleted ${topic}\n`).join(''))
      }),
    )
  const command = new Command('topics').description('list, describe, create and delete topics')
  for (const each of [list, describe, create, remove])
    command.addCommand(addConnectionOptions(each))
  return command
}

async function listTopics(client: Admin, options: Options): Promise<void> {
  const { topics } = await client.fetchTopicMetadata()
  const rows = topics
    .map(({ name, partitions }) => [name, partitions.length] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  printTable(['Topic', 'Partitions'], rows, options)
}

async function describeTopics(
  client: Admin,
  names: readonly string[],
  options: Options,
): Promise<void> {
  const topics = await existing(client, names)
  const rows: (string | number)[][] = []
  for (const { name, partitions } of topics) {
    const offsets = await client.fetchTopicOffsets(name)
    const byPartition = new Map(offsets.map(each => [each.partition, each]))
    for (const { partitionId, leader, replicas, isr } of partitions.toSorted(
      (a, b) => a.partitionId - b.partitionId,
    )) {
      const { low = '', high = '' } = byPartition.get(partitionId) ?? {}
      rows.push([
        name,
        partitionId,
        leader,
        replicas.join(','),
        isr.join(','),
        Number(low),
        Number(high),
      ])
    }
  }
  printTable(['Topic', 'Partition', 'Leader', 'Replicas', 'In Sync', 'Start', 'End'], rows, options)
  const settings = await givenSettings(client, names)
  if (settings.length === 0) return
  if (options.json !== true) process.stdout.write('\n')
  printTable(['Topic', 'Setting', 'Value'], settings, options)
}

/** The topics of these names. Throws MISSING_TOPIC when one of them is not there. */
async function existing(
  client: Admin,
  names: readonly string[],
): Promise<readonly ITopicMetadata[]> {
  const { topics } = await client.fetchTopicMetadata()
  return names.map(name => {
    const found = topics.find(topic => topic.name === name)
    if (found !== undefined) return found
    throw new MillraceError('MISSING_TOPIC', `There is no topic '${name}'. Check the name.`)
  })
}

async function givenSettings(client: Admin, names: readonly string[]): Promise<string[][]> {
  const { resources } = await client.describeConfigs({
    resources: names.map(name => ({ type: ConfigResourceTypes.TOPIC, name })),
    includeSynonyms: false,
  })
  return resources.flatMap(({ resourceName, configEntries }) =>
    configEntries
      .filter(({ configSource }) => configSource === ConfigSource.TOPIC_CONFIG)
      .map(({ configName, configValue }) => [resourceName, configName, configValue]),
  )
}

async function createTopic(client: Admin, topic: string, options: CreateOptions): Promise<void> {
  const { partitions = -1, replicationFactor = -1, config } = options
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
  const made = await client.createTopics({
    topics: [{ topic, numPartitions: partitions, replicationFactor, configEntries }],
  })
  process.stdout.write(made ? `created ${topic}\n` : `${topic} is there already\n`)
  if (!made) process.exitCode = 1
}

function addSetting(
  text: string,
  before: Readonly<Record<string, string>>,
): Record<string, string> {
  const [, name, value] = /^([^=]+)=(.*)$/.exec(text) ?? []
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError('A setting is written name=value, as in cleanup.policy=compact.')
  }
  return { ...before, [name]: value }
}
