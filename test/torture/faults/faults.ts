import { readFileSync } from 'node:fs'
import { type Faults, faultsVariable, type KillPoint } from './settings.ts'

const path = process.env[faultsVariable] ?? ''

const read = (): Faults => JSON.parse(readFileSync(path, 'utf8')) as Faults

export let faults = read()
let passed = 0

process.on('SIGUSR2', () => {
  faults = read()
  passed = 0
})

/** Ends the process at once when it is told to die here. */
export function pass(point: KillPoint): void {
  if (faults.killAt?.point !== point) return
  if (passed++ >= faults.killAt.passing) process.kill(process.pid, 'SIGKILL')
}
