import type { TestApplication } from '../test-application.ts'
import { maxChoice } from './draws.ts'

/** What is done with an application after a record was piped. */
export interface Treatment {
  readonly note: string
  treat(application: TestApplication): Promise<void>
}

/** Everything there is to do is done, as after every record of the run that others are compared with. */
const settle: Treatment = { note: '', treat: application => application.settle() }

/** Ways to cut the work into batches and commits. A minute passes each time. */
const batching: readonly Treatment[] = [
  settle,
  batch('wait', async () => {}),
  batch('process', async application => void (await application.process())),
  batch('process 1', async application => void (await application.process(1))),
  batch('process, commit', async application => {
    await application.process()
    await application.commit()
  }),
]

/** Ways to let updates of tables wait for a commit. */
const uncommitted: readonly Treatment[] = [
  settle,
  { note: 'process', treat: async application => void (await application.process()) },
]

function batch(note: string, treat: Treatment['treat']): Treatment {
  return {
    note,
    async treat(application) {
      application.advance(60_000)
      await treat(application)
    },
  }
}

/** Ways to end and start again: before the record's results are committed, after a part of them, or within the commit. */
const restarting: readonly Treatment[] = [
  settle,
  restart('restart', 1, application => application.restart()),
  restart('kill', 1, application => application.kill()),
  restart('kill, stores lost', 1, application => application.kill({ wipe: true })),
  restart('kill within commit', 1, application => application.kill({ withinCommit: true })),
  restart('kill within commit, stores lost', 1, application =>
    application.kill({ withinCommit: true, wipe: true }),
  ),
  restart('commit, kill', 2, application => application.kill()),
  restart('commit, kill, stores lost', 2, application => application.kill({ wipe: true })),
  restart('commit, kill within commit', 2, application => application.kill({ withinCommit: true })),
]

/** `rounds` of processing, with a commit between them, go before the end: later ones are of later sub-topologies. */
function restart(
  note: string,
  rounds: number,
  end: (application: TestApplication) => Promise<void>,
): Treatment {
  return {
    note,
    async treat(application) {
      for (let round = 0; round < rounds; round++) {
        if (round > 0) await application.commit()
        await application.process()
      }
      await end(application)
      await application.settle()
    },
  }
}

/** The one that a choice stands for; 0 always stands for `settle`. */
const chosen =
  (treatments: readonly Treatment[], idle: number) =>
  (choice: number): Treatment => {
    const at = Math.max(
      0,
      Math.ceil(((choice - idle) / (maxChoice - idle)) * (treatments.length - 1)),
    )
    return treatments[at] ?? settle
  }

export const settled = (): Treatment => settle
export const batched = chosen(batching, 0)
export const cached = chosen(uncommitted, 60)
/** After most records nothing ends. */
export const restarted = chosen(restarting, 150)
