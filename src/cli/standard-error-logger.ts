import process from 'node:process'
import { type Logger, jsonLogger } from '../logger.ts'
import type { Platform } from '../platform/platform.ts'

/** Logs go to standard error, one JSON object a line; standard output is for what the command was asked for. */
export function standardErrorLogger({ clock }: Platform): Logger {
  return jsonLogger(
    line => process.stderr.write(line),
    () => clock.now(),
  )
}
