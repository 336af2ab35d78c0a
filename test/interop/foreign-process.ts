import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'

export interface Answer {
  readonly code: number
  readonly output: string
  readonly errors: string
}

/**
 * A client in another language that does what it is told, one thing after the other: `java/src/Main.java` and
 * `python/checks.py` say how they are spoken to. Starting a JVM for each thing would take longer than the things.
 */
export class ForeignProcess implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #ended: Promise<number | null>
  #received = Buffer.alloc(0)
  #errors = ''
  #answered: (() => void) | null = null

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args)
    this.#child.stdout.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes])
      this.#answered?.()
    })
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#errors += text))
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', code => {
        resolve(code)
        this.#answered?.()
      })
    })
  }

  /** Sends a request and waits for its answer; requests do not overlap. */
  async ask(...request: readonly string[]): Promise<Answer> {
    const line = request.map(field => field.replaceAll('\n', '\u001e')).join('\u001f')
    this.#child.stdin.write(`${line}\n`)
    for (;;) {
      const answer = this.#answer()
      if (answer !== null) return answer
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`It ended with ${await this.#ended}:\n${this.#errors}`)
      }
      await new Promise<void>(resolve => (this.#answered = resolve))
    }
  }

  #answer(): Answer | null {
    const end = this.#received.indexOf('\n')
    if (end < 0) return null
    const [code, outputBytes, errorBytes] = this.#received
      .subarray(0, end)
      .toString()
      .split(' ')
      .map(Number)
    const errorsFrom = end + 1 + (outputBytes ?? 0)
    const next = errorsFrom + (errorBytes ?? 0)
    if (this.#received.length < next) return null
    const output = this.#received.subarray(end + 1, errorsFrom).toString()
    const errors = this.#received.subarray(errorsFrom, next).toString()
    this.#received = this.#received.subarray(next)
    return { code: code ?? 70, output, errors }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end()
    await this.#ended
  }
}
