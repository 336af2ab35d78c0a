export interface TableInput {
  readonly side: 'left' | 'right'
  readonly key: string
  /** Of a left row the key of the right row at which it points, null for nowhere; and something else. */
  readonly value: { readonly points: string | null; readonly text: string } | null
  readonly timestamp: number
}

export interface Result {
  readonly key: string
  readonly value: string | null
  readonly timestamp: number
}

interface Row {
  readonly points: string | null
  readonly text: string
  readonly timestamp: number
}

/**
 * A join by foreign keys of tables that are in one place: every change of a left row gives one result at most, every change
 * of a right row one for each left row that points at it.
 */
export function naiveForeignKeyJoin(
  join: 'inner' | 'left',
  inputs: readonly TableInput[],
): { outputs: Result[]; rows: Map<string, string>; dropped: number } {
  const left = new Map<string, Row>()
  const right = new Map<string, Row>()
  const outputs: Result[] = []
  let dropped = 0
  const emit = (key: string, timestamp: number): void => {
    const row = left.get(key)
    const other = typeof row?.points === 'string' ? right.get(row.points) : undefined
    const isGone = row === undefined || (other === undefined && join === 'inner')
    outputs.push({ key, value: isGone ? null : `${row.text}+${other?.text ?? null}`, timestamp })
  }
  for (const { side, key, value, timestamp } of inputs) {
    const rows = side === 'left' ? left : right
    const before = rows.get(key)
    if (value === null) rows.delete(key)
    else rows.set(key, { ...value, timestamp })
    if (side === 'right') {
      const pointing = [...left].filter(([, row]) => row.points === key).map(([one]) => one)
      for (const one of pointing.sort()) emit(one, timestamp)
      continue
    }
    if (before === undefined && value === null) continue
    // The row that answers: where the left row points now, or pointed before it was deleted.
    const asked =
      join === 'left' ? (value?.points ?? null) : (value?.points ?? before?.points ?? null)
    const answering = asked === null ? undefined : right.get(asked)
    const time = Math.max(timestamp, answering?.timestamp ?? -1)
    if (join === 'left') {
      emit(key, time)
      continue
    }
    if (value !== null && value.points === null) dropped++
    const pointed = before?.points ?? null
    const movedAway = pointed !== null && pointed !== value?.points
    const pointsNow = typeof value?.points === 'string'
    if (movedAway || (pointsNow && answering !== undefined)) emit(key, time)
  }
  return { outputs, rows: rowsOf(outputs), dropped }
}

function rowsOf(outputs: readonly Result[]): Map<string, string> {
  const rows = new Map<string, string>()
  for (const { key, value } of outputs) {
    if (value === null) rows.delete(key)
    else rows.set(key, value)
  }
  return rows
}
