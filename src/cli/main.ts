import process from 'node:process'
import { Command, CommanderError } from 'commander'
import { MillraceError } from '../errors.ts'
import { brokerCommand } from './commands/broker.ts'
import { describeCommand } from './commands/describe.ts'
import { devCommand } from './commands/dev.ts'
import { runCommand } from './commands/run.ts'
import { version } from './version.ts'

/**
 * The `millrace` command. Exit codes: 0 done, 1 it failed while working, 2 it was called wrongly. What went wrong is one
 * sentence on standard error; a stack trace appears only for what is not an operating error.
 */
const program = new Command('millrace')
  .description('Stream processing for TypeScript, on a bundled broker or any Apache Kafka.')
  .version(version)
  .showSuggestionAfterError()
  .showHelpAfterError('(millrace --help lists what there is)')
  .exitOverride()

for (const command of [devCommand, runCommand, brokerCommand, describeCommand]) {
  program.addCommand(command().copyInheritedSettings(program))
}

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof MillraceError) {
    process.stderr.write(`error: ${error.message} [${error.code}]\n`)
    return error.code === 'INVALID_CONFIG' || error.code === 'INVALID_APP' ? 2 : 1
  }
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  return 1
}
