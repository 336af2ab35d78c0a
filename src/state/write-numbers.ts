/**
 * Each write to a database carries its number, in one of a ring of rows: write n in slot n modulo `writeSlots`. So when
 * LevelDB leaves a damaged stretch of its log out, or has lost a table, the gap shows: a slot is empty or holds the number
 * of a turn before. Losing the last writes leaves no gap, and does no harm: the database is then as of an earlier write,
 * with the checkpoints of that time, and restoring goes on from there.
 *
 * The ring sees back as far as it is long. What is older must stand in tables, whose damage is seen otherwise
 * (`level-files.ts`): twice in a turn the database moves its log into a table.
 */
export const writeSlots = 4096

export const isFlushDue = (write: number): boolean => write % (writeSlots / 2) === 0

/** What the numbers in the slots say: the last write, 0 when there was none, and whether a write is missing before it. */
export function checkWrites(numbers: readonly number[]): { lastWrite: number; hasGap: boolean } {
  let lastWrite = 0
  for (const number of numbers) if (number > lastWrite) lastWrite = number
  const isOld = (number: number): boolean => number <= lastWrite - writeSlots
  const hasGap = numbers.length !== Math.min(lastWrite, writeSlots) || numbers.some(isOld)
  return { lastWrite, hasGap }
}
