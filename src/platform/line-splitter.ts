import { StringDecoder } from 'node:string_decoder'

/**
 * Makes lines of bytes as they arrive. Only a line feed ends a line, because JSON may hold every other character that some take
 * for one. What is longer than `maxChars` without an end is handed on as a line.
 */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8')
  readonly #maxChars: number
  #rest = ''

  constructor(maxChars: number) {
    this.#maxChars = maxChars
  }

  /** The lines that the bytes complete, without their ends. */
  push(bytes: Buffer): string[] {
    const lines = (this.#rest + this.#decoder.write(bytes)).split('\n')
    this.#rest = lines.pop() ?? ''
    if (this.#rest.length > this.#maxChars) {
      lines.push(this.#rest)
      this.#rest = ''
    }
    return lines
  }

  /** What is left when no more comes. */
  end(): string[] {
    const rest = this.#rest + this.#decoder.end()
    this.#rest = ''
    return rest === '' ? [] : [rest]
  }
}
