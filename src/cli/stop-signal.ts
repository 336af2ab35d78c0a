import process from 'node:process'

/**
 * Resolves with the first SIGINT or SIGTERM. A second signal ends the process at once, for those who do not want to wait
 * for a clean stop.
 */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise(resolve => {
    const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM']
    const first = (signal: NodeJS.Signals): void => {
      for (const name of signals) process.removeListener(name, first)
      for (const name of signals) process.once(name, () => process.exit(130))
      resolve(signal)
    }
    for (const name of signals) process.once(name, first)
  })
}
