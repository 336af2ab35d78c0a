import process from 'node:process'
import { Command, Option } from 'commander'
import { nodePlatform } from '../../platform/node-platform.ts'
import { describe } from '../../topology/describe.ts'
import { diffTopologies } from '../../topology/diff-topologies.ts'
import { toMermaid } from '../../topology/to-mermaid.ts'
import { describeTopology } from '../../topology/topology-description.ts'
import type { Topology } from '../../topology/topology.ts'
import { loadApp } from '../load-app.ts'
import { loadDescription } from '../load-description.ts'

interface Options {
  readonly mermaid?: boolean
  readonly json?: boolean
  readonly diff?: string
}

/** `millrace describe <app>`: the compiled topology as text, in the format of Kafka's `Topology#describe`, and what it changes. */
export function describeCommand(): Command {
  return new Command('describe')
    .description('print the compiled topology of an app')
    .argument('<app>', 'app module, such as examples/flights/app.ts')
    .addOption(
      new Option('--mermaid', 'as a Mermaid flow chart instead of Kafka Streams’ text').conflicts([
        'json',
        'diff',
      ]),
    )
    .addOption(new Option('--json', 'as data, to compare with later').conflicts('diff'))
    .option(
      '--diff <before>',
      'what a deploy would break for what runs: a file with what --json has printed of it; fails if it breaks anything',
    )
    .action(async (path: string, options: Options) => {
      const topology = (await loadApp(path, nodePlatform())).compile()
      if (options.diff === undefined) process.stdout.write(textOf(topology, options))
      else printDiff(options.diff, topology)
    })
}

function textOf(topology: Topology, { mermaid = false, json = false }: Options): string {
  if (json) return `${JSON.stringify(describeTopology(topology), undefined, 2)}\n`
  return mermaid ? toMermaid(topology) : describe(topology)
}

function printDiff(before: string, topology: Topology): void {
  const changes = diffTopologies(
    loadDescription(before, nodePlatform()),
    describeTopology(topology),
  )
  const lines = changes.map(({ severity, message }) => `${severity}: ${message}\n`)
  process.stdout.write(
    lines.length === 0 ? 'Nothing changes for its stores and topics.\n' : lines.join(''),
  )
  if (changes.some(({ severity }) => severity !== 'safe')) process.exitCode = 1
}
