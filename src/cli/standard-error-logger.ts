import process from 'node:process'
import { type Command, Option } from 'commander'
import { type Logger, type LogLevel, jsonLogger, logLevels, textLogger } from '../logger.ts'
import type { Platform } from '../platform/platform.ts'

const logFormats = ['text', 'json'] as const

export type LogFormat = (typeof logFormats)[number]

/** What is logged, and how. */
export interface LogSettings {
  readonly format: LogFormat
  readonly level: LogLevel
}

export interface LogOptions {
  readonly log?: LogFormat
  readonly logLevel: LogLevel
}

/**
 * Logs go to standard error, one JSON object a line, or readable where that is a terminal; standard output is for what the
 * command was asked for.
 */
export function standardErrorLogger(
  { clock }: Platform,
  level: LogLevel = 'info',
  format: LogFormat = usualFormat(),
): Logger {
  const logger = format === 'text' ? textLogger : jsonLogger
  return logger(
    line => process.stderr.write(line),
    () => clock.now(),
    level,
  )
}

export function addLogOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--log <format>', 'how to log (default: text at a terminal, else json)').choices([
        ...logFormats,
      ]),
    )
    .addOption(
      new Option('--log-level <level>', 'least important messages to log')
        .choices([...logLevels])
        .default('info'),
    )
}

export function logSettings({ log, logLevel }: LogOptions): LogSettings {
  return { format: log ?? usualFormat(), level: logLevel }
}

const usualFormat = (): LogFormat => (process.stderr.isTTY ? 'text' : 'json')
