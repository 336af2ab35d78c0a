/** An error as the operating system reports it, for faults that a test injects: ENOSPC, EIO, … */
export function systemError(code: string): Error & { code: string } {
  return Object.assign(new Error(`${code} (simulated)`), { code })
}
