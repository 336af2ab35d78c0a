/** The work, or the signal if it comes first: what becomes of the work then is nobody's concern. */
export function orAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const aborted = (): void => resolve()
    signal.addEventListener('abort', aborted)
    if (signal.aborted) resolve()
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted))
  })
}
