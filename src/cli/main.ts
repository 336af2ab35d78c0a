import process from 'node:process'
import { Command, CommanderError } from 'commander'
import { errorReport } from './error-report.ts'
import { version } from './version.ts'

/**
 * The `millrace` command. What went wrong is one sentence on standard error, and an exit code of `exit-code.ts`; a stack
 * trace appears only for what is not an operating error.
 */
const program = new Command('millrace')
  .description('Stream processing for TypeScript, on a bundled broker or any Apache Kafka.')
  .version(version)
  .showSuggestionAfterError()
  .showHelpAfterError('(millrace --help lists what there is)')
  .exitOverride()

const loaders: Record<string, () => Promise<Command>> = {
  dev: async () => (await import('./commands/dev.ts')).devCommand(),
  run: async () => (await import('./commands/run.ts')).runCommand(),
  reset: async () => (await import('./commands/reset.ts')).resetCommand(),
  broker: async () => (await import('./commands/broker.ts')).brokerCommand(),
  topics: async () => (await import('./commands/topics.ts')).topicsCommand(),
  groups: async () => (await import('./commands/groups.ts')).groupsCommand(),
  produce: async () => (await import('./commands/produce.ts')).produceCommand(),
  consume: async () => (await import('./commands/consume.ts')).consumeCommand(),
  describe: async () => (await import('./commands/describe.ts')).describeCommand(),
}
// What only processes call is in no help.
if (process.argv[2] === 'worker') {
  loaders['worker'] = async () => (await import('./commands/worker.ts')).workerCommand()
}
// Half of a start is loading code: the command that is called is loaded alone, for help all of them.
const called = loaders[process.argv[2] ?? '']
for (const load of called === undefined ? Object.values(loaders) : [called]) {
  program.addCommand((await load()).copyInheritedSettings(program))
}

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  const { text, exitCode } = errorReport(error)
  process.stderr.write(text)
  return exitCode
}
