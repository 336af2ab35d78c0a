import { MillraceError } from '../../errors.ts'

/** The log holds something else at `offset` than was written there. */
export class DamagedBatch extends MillraceError {
  readonly offset: number

  constructor(path: string, position: number, offset: number, problem: string) {
    super(
      'CORRUPT_DATA',
      `${path} is damaged at byte ${position}, where offset ${offset} should be: ${problem}. The partition is not ` +
        `served from there on. Restore the file from a copy, or delete the records below a later offset.`,
    )
    this.offset = offset
  }
}
