import process from 'node:process'
import type { Application } from '../runtime/application.ts'
import { appSignals, stopSignal } from './stop-signal.ts'

/**
 * Runs a started application until a signal, its own failure, or (with `untilEnd`) the end of its input. With `stayInGroup` one that
 * a signal stops keeps its place.
 */
export async function runApplication(
  application: Application,
  { untilEnd, stayInGroup }: { untilEnd: boolean; stayInGroup: boolean },
): Promise<void> {
  const stop = stopSignal({ signals: appSignals })
  const say = (line: string): boolean => process.stdout.write(`${line}\n`)
  say(`${application.name} is running; Ctrl-C stops it`)
  let leaveGroup = true
  try {
    const ended = untilEnd ? application.untilEnd() : application.finished
    const signal = await Promise.race([stop, ended.then(() => undefined)])
    if (signal !== undefined) {
      say(`${signal}: finishing what was begun`)
      leaveGroup = !stayInGroup
    }
  } finally {
    await application.close({ leaveGroup })
  }
  const { processed, emitted } = application.metrics()
  say(`${application.name} stopped: ${processed} records in, ${emitted} records out`)
}
