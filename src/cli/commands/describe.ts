import process from 'node:process'
import { Command } from 'commander'
import { nodePlatform } from '../../platform/node-platform.ts'
import { describe } from '../../topology/describe.ts'
import { toMermaid } from '../../topology/to-mermaid.ts'
import { loadApp } from '../load-app.ts'

/** `millrace describe <app>`: the compiled topology as text, in the format of Kafka's `Topology#describe`. */
export function describeCommand(): Command {
  return new Command('describe')
    .description('print the compiled topology of an app')
    .argument('<app>', 'app module, such as examples/flights/app.ts')
    .option('--mermaid', 'as a Mermaid flow chart instead of Kafka Streams’ text')
    .action(async (path: string, options: { mermaid?: boolean }) => {
      const app = await loadApp(path, nodePlatform())
      const topology = app.compile()
      process.stdout.write(options.mermaid === true ? toMermaid(topology) : describe(topology))
    })
}
