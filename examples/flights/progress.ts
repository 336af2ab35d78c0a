import process from 'node:process'
import { Presets, SingleBar } from 'cli-progress'

export interface Progress {
  readonly update: (done: number, total: number) => void
  readonly end: () => void
}

/** A bar on a terminal; elsewhere a line at every quarter, so that a log stays readable. */
export function showProgress(label: string): Progress {
  return process.stderr.isTTY ? bar(label) : lines(label)
}

/** For machines: nothing but the result. */
export const noProgress: Progress = { update() {}, end() {} }

function bar(label: string): Progress {
  const view = new SingleBar(
    { format: `${label} {bar} {value}/{total}`, clearOnComplete: true, hideCursor: true },
    Presets.shades_classic,
  )
  let started = false
  return {
    update(done, total) {
      if (!started) view.start(total, 0)
      started = true
      view.setTotal(total)
      view.update(done)
    },
    end: () => view.stop(),
  }
}

function lines(label: string): Progress {
  let quarter = 0
  return {
    update(done, total) {
      const reached = total === 0 ? 0 : Math.floor((done / total) * 4)
      if (reached <= quarter) return
      quarter = reached
      process.stderr.write(`${label} ${done}/${total}\n`)
    },
    end() {},
  }
}
