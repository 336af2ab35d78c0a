/** Runs what it is given one after another; what fails does so for its caller only. */
export type OneAtATime = <T>(work: () => Promise<T>) => Promise<T>

export function oneAtATime(): OneAtATime {
  let last: Promise<unknown> = Promise.resolve()
  return work => {
    const running = after(last, work)
    last = running.catch(() => undefined)
    return running
  }
}

async function after<T>(before: Promise<unknown>, work: () => Promise<T>): Promise<T> {
  await before
  return work()
}
