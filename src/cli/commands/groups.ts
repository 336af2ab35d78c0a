import { AssignerProtocol, type Admin, type MemberDescription } from 'kafkajs'
import { Command } from 'commander'
import { withAdmin } from '../admin.ts'
import { addConnectionOptions, type ConnectionOptions } from '../connection-options.ts'
import { printTable } from '../print-table.ts'

interface Options extends ConnectionOptions {
  readonly json?: true
}

/** `millrace groups`: which groups there are, and how far one of them is. */
export function groupsCommand(): Command {
  const list = new Command('list')
    .description('names, states and members of all groups')
    .option('--json', 'one JSON object a line')
    .action((options: Options) => withAdmin(options, client => listGroups(client, options)))
  const describe = new Command('describe')
    .description('what a group has committed, how far behind it is, and which member has what')
    .argument('<group>', 'name; of an app it is the name of the app')
    .option('--json', 'one JSON object a line')
    .action((group: string, options: Options) =>
      withAdmin(options, client => describeGroup(client, group, options)),
    )
  const command = new Command('groups').description('list and describe consumer groups')
  for (const each of [list, describe]) command.addCommand(addConnectionOptions(each))
  return command
}

async function listGroups(client: Admin, options: Options): Promise<void> {
  const { groups } = await client.listGroups()
  const names = groups.map(({ groupId }) => groupId).sort()
  const described = names.length === 0 ? [] : (await client.describeGroups(names)).groups
  const rows = described.map(({ groupId, state, members }) => [groupId, state, members.length])
  printTable(['Group', 'State', 'Members'], rows, options)
}

async function describeGroup(client: Admin, group: string, options: Options): Promise<void> {
  const [committed, described] = await Promise.all([
    client.fetchOffsets({ groupId: group }),
    client.describeGroups([group]),
  ])
  const owners = ownersOf(described.groups.flatMap(({ members }) => members))
  const rows: (string | number | null)[][] = []
  for (const { topic, partitions } of committed.toSorted((a, b) => (a.topic < b.topic ? -1 : 1))) {
    const ends = new Map(
      (await client.fetchTopicOffsets(topic)).map(each => [each.partition, Number(each.high)]),
    )
    for (const { partition, offset } of partitions.toSorted((a, b) => a.partition - b.partition)) {
      const at = Number(offset) < 0 ? null : Number(offset)
      const end = ends.get(partition) ?? null
      const lag = at === null || end === null ? null : end - at
      const owner = owners.get(`${topic}-${partition}`)
      rows.push([
        topic,
        partition,
        at,
        end,
        lag,
        owner?.memberId ?? null,
        owner?.clientHost ?? null,
      ])
    }
  }
  printTable(['Topic', 'Partition', 'Committed', 'End', 'Lag', 'Member', 'Host'], rows, options)
}

function ownersOf(members: readonly MemberDescription[]): Map<string, MemberDescription> {
  const owners = new Map<string, MemberDescription>()
  for (const member of members) {
    const assignment = AssignerProtocol.MemberAssignment.decode(member.memberAssignment)?.assignment
    for (const [topic, partitions] of Object.entries(assignment ?? {})) {
      for (const partition of partitions) owners.set(`${topic}-${partition}`, member)
    }
  }
  return owners
}
