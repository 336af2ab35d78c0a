/** What happened in a simulation, in order. Two runs from one seed have the same trace. */
export interface Trace {
  /** How many lines there were. */
  readonly length: number
  /** A hash over all lines, as 16 hexadecimal digits. */
  readonly hash: string
  /** The latest lines, at least a hundred thousand of them. */
  readonly lines: readonly string[]
}

export interface WritableTrace extends Trace {
  add(line: string): void
}

/** A long run has more lines than memory; the hash covers those that are gone. */
const keptLines = 100_000

export function createTrace(): WritableTrace {
  let lines: string[] = []
  let length = 0
  let low = 0x811c9dc5
  let high = 0x9e3779b9
  return {
    add(line) {
      for (let i = 0; i < line.length; i++) {
        const character = line.charCodeAt(i)
        low = Math.imul(low ^ character, 0x01000193)
        high = Math.imul((high ^ character) + (low >>> 15), 0x85ebca6b)
      }
      // Without a mark at its end, a line cut in two would hash like the whole.
      low = Math.imul(low ^ 0x100, 0x01000193)
      high = Math.imul((high ^ 0x100) + (low >>> 15), 0x85ebca6b)
      length += 1
      if (lines.length === 2 * keptLines) lines = lines.slice(keptLines)
      lines.push(line)
    },
    get length() {
      return length
    },
    get hash() {
      return hexadecimal(high) + hexadecimal(low)
    },
    get lines() {
      return lines
    },
  }
}

function hexadecimal(number: number): string {
  return (number >>> 0).toString(16).padStart(8, '0')
}
