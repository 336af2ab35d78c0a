import { spawn, spawnSync } from 'node:child_process'

/** Whether `kcat` can be started. */
export const hasKcat = spawnSync('kcat', ['-V']).status === 0

export interface KcatResult {
  readonly code: number | null
  readonly output: string
  readonly errors: string
}

/** Runs kcat against a broker and resolves when it ends; it is asked to end when `until` says the output is enough. */
export function kcat(
  bootstrap: string,
  args: readonly string[],
  options: { input?: string; until?: (output: string) => boolean } = {},
): Promise<KcatResult> {
  return new Promise((resolve, reject) => {
    const child = spawn('kcat', ['-b', bootstrap, ...args])
    let output = ''
    let errors = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (options.until?.(output)) child.kill('SIGTERM')
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
    child.once('error', reject)
    child.once('close', code => resolve({ code, output, errors }))
    child.stdin.end(options.input ?? '')
  })
}
