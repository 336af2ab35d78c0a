import type { LogClient } from '../../src/client/log-client.ts'
import type { Generated } from './generator.ts'
import type { Lists } from './log-view.ts'

/** An application that is tortured, and what must have become of its input. All of its topics have as many partitions. */
export interface Subject {
  /** The path of its module. */
  readonly app: string
  readonly name: string
  readonly partitions: number
  /** Topics that it reads, as tasks do: it commits how far it has come. */
  readonly inputs: readonly string[]
  /** Other topics that it needs. */
  readonly tables: readonly string[]
  readonly repartitions: readonly string[]
  readonly outputs: readonly string[]
  /** Its stores, each with the output that shows every change of it. */
  readonly stores: Readonly<
    Record<string, { readonly shownBy: string; readonly windowed: boolean }>
  >
  /** The output on each of whose partitions there must be news after a fault. */
  readonly progress: string
  /** Writes input until it is stopped, and then what must not be left out. */
  readonly write: (client: LogClient, pace: Pace) => Promise<Generated>
  /** Throws when what was committed is not what follows from the committed input. */
  readonly verify: (lists: Lists) => void
}

export interface Pace {
  readonly seed: number
  /** Resolves when the application has come far enough for more than the records that were written so far. */
  readonly ready: (written: number) => Promise<void>
  readonly stopping: AbortSignal
}

export const changelogOf = ({ name }: Subject, store: string): string =>
  `${name}-${store}-changelog`
