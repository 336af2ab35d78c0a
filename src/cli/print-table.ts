import process from 'node:process'
import Table from 'cli-table3'

type Cell = string | number | null

/** Rows as columns for people, or one JSON object a row for programs. A null is a dash. */
export function printTable(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  { json = false }: { json?: boolean | undefined },
): void {
  process.stdout.write(json ? asJson(head, rows) : asColumns(head, rows))
}

function asJson(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const names = head.map(name =>
    name.toLowerCase().replaceAll(/ (\w)/g, (_, letter: string) => letter.toUpperCase()),
  )
  return rows
    .map(row => `${JSON.stringify(Object.fromEntries(names.map((name, at) => [name, row[at]])))}\n`)
    .join('')
}

function asColumns(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const none = ''
  const table = new Table({
    head: [...head],
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: {
      top: none,
      'top-mid': none,
      'top-left': none,
      'top-right': none,
      bottom: none,
      'bottom-mid': none,
      'bottom-left': none,
      'bottom-right': none,
      left: none,
      'left-mid': none,
      mid: none,
      'mid-mid': none,
      right: none,
      'right-mid': none,
      middle: none,
    },
  })
  for (const row of rows) table.push(row.map(cell => String(cell ?? '-')))
  return `${table.toString().replaceAll(/ +$/gm, '')}\n`
}
