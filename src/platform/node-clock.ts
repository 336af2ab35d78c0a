import { readFileSync } from 'node:fs'
import type { Clock } from './platform.ts'

/** The clocks of the machine. */
export function nodeClock(): Clock {
  return { now: () => Date.now(), monotonic: () => performance.now(), bootId: readBootId() }
}

/** Linux names each boot; elsewhere nothing cheap and reliable does, so the boot is unknown there. */
function readBootId(): string {
  if (process.platform !== 'linux') return ''
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
}
