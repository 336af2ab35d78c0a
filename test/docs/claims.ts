import assert from 'node:assert/strict'

/**
 * What an example says about itself, in comments behind a line of code:
 *
 *     driver.now // → 5
 *     output.read() // → { key: 'a', value: 1, … }      an object that may have more properties than these
 *     output.readAll() // → [
 *     //   { key: 'a', value: 1, … },                    a value may go on in the comments below
 *     // ]
 *     describe(topology) // →                            a text: the comment lines below
 *     // Topologies:
 *     //   …
 *     tumbling(0) // throws INVALID_CONFIG               the code of the error, or its name
 *
 * `withAssertions` turns each into a call of `shows` or `throws` on the same line, so that line numbers stay.
 */
export function withAssertions(code: string): { code: string; claims: number } {
  const lines = code.split('\n')
  let claims = 0
  const asserted = lines.map((line, index) => {
    const [, expression, kind, claim = ''] =
      /^(\s*\S.*?)\s*\/\/ (→|throws)(?: (.*))?$/.exec(line) ?? []
    if (expression === undefined || expression.trimStart().startsWith('//')) return line
    claims++
    if (kind === 'throws') return `;await throws(async () => ${expression}, '${claim}')`
    const comments = commentsBelow(lines, index)
    if (claim === '') return `;shows(textOf(${expression}), ${JSON.stringify(comments.join('\n'))})`
    const value = opensMore(claim) ? [claim, ...comments].join(' ') : claim
    return `;shows(${expression}, ${value.replaceAll(/…(?=\s*\})/g, '...more')})`
  })
  return { code: asserted.join('\n'), claims }
}

/** The comment lines directly below a line, without their slashes. */
function commentsBelow(lines: readonly string[], index: number): string[] {
  const below = lines.slice(index + 1)
  const end = below.findIndex(line => !/^\s*\/\//.test(line))
  return below.slice(0, end === -1 ? undefined : end).map(line => line.replace(/^\s*\/\/ ?/, ''))
}

const opensMore = (value: string): boolean => /[[{(]$/.test(value)

/** Marks an object that names only some of the properties. */
const open = Symbol('and other properties')
export const more = { [open]: true }

export function shows(actual: unknown, expected: unknown): void {
  assert.deepStrictEqual(named(actual, expected), closed(expected))
}

/** What a comment can hold of a text: no spaces at the ends of lines, no empty lines at the end. */
export const textOf = (text: string): string => text.replaceAll(/ +$/gm, '').trimEnd()

export async function throws(run: () => Promise<unknown>, codeOrName: string): Promise<void> {
  await assert.rejects(run, (error: Error & { code?: string }) => {
    assert.equal(error.code ?? error.name, codeOrName)
    return true
  })
}

/** `actual` without the properties that an open object of `expected` does not name. */
function named(actual: unknown, expected: unknown): unknown {
  if (Array.isArray(actual) && Array.isArray(expected)) {
    return actual.map((element, index) => named(element, expected[index]))
  }
  if (!isPlain(actual) || !isPlain(expected)) return actual
  const keys = Object.keys(open in expected ? expected : actual).filter(key => key in actual)
  return Object.fromEntries(keys.map(key => [key, named(actual[key], expected[key])]))
}

function closed(expected: unknown): unknown {
  if (Array.isArray(expected)) return expected.map(closed)
  if (!isPlain(expected)) return expected
  return Object.fromEntries(Object.entries(expected).map(([key, value]) => [key, closed(value)]))
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  )
}
