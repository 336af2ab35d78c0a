import { type StreamsBuilder, long, string } from '../../../src/index.ts'

/** The topologies of the recorded scenarios, by name: those whose operators Millrace has. */
export type Topologies = Record<string, (b: StreamsBuilder) => void>

/** What `log` was called with since it was last emptied. */
export const lines: string[] = []

/** Notes a line where the Java topology does: it shows the calls of user functions. */
export function log(line: string | null): void {
  lines.push(String(line))
}

/** The default serdes of the scenarios. */
export const strings = { key: string(), value: string() }

export const longs = { key: string(), value: long() }

/** The last n characters. */
export const tail = (text: string, n: number): string => text.slice(-n)
