import process from 'node:process'
import { cutBySignal } from './exit-code.ts'

const usual: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM']

/**
 * Resolves with the first of the signals. A second one ends the process at once, for those who do not want to wait for a
 * clean stop, after a last call of `cut`.
 */
export function stopSignal({
  signals = usual,
  cut = () => {},
}: { signals?: readonly NodeJS.Signals[]; cut?: () => void } = {}): Promise<NodeJS.Signals> {
  return new Promise(resolve => {
    const second = (): void => {
      cut()
      process.exit(cutBySignal)
    }
    const first = (signal: NodeJS.Signals): void => {
      for (const name of signals) {
        process.removeListener(name, first)
        process.once(name, second)
      }
      resolve(signal)
    }
    for (const name of signals) process.once(name, first)
  })
}

/** For what runs an app: the end of the terminal that it was started in stops it in good order, too. */
export const appSignals: readonly NodeJS.Signals[] = [...usual, 'SIGHUP']
