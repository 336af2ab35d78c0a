/**
 * The functions that programs give to operators, in both languages. They bear nulls, which streams may hold whatever their
 * types say. Numbers come as numbers in TypeScript and as Long in Java.
 */

type Text = string | null

interface Both<F> {
  readonly java: string
  readonly ts: F
}

const tail = (text: string, n: number): string => text.slice(-n)

/** Of keys and values of streams. */
export const predicates: Record<string, Both<(k: unknown, v: Text) => boolean>> = {
  even: {
    java: '(k, v) -> v != null && v.length() % 2 == 0',
    ts: (_, v) => v !== null && v.length % 2 === 0,
  },
  not3: {
    java: '(k, v) -> v == null || !v.endsWith("3")',
    ts: (_, v) => v === null || !v.endsWith('3'),
  },
  aboveG1: {
    java: '(k, v) -> v != null && v.compareTo("g1") > 0',
    ts: (_, v) => v !== null && v > 'g1',
  },
}

export const longPredicates: Record<string, Both<(k: unknown, n: number | null) => boolean>> = {
  even: { java: '(k, n) -> n != null && n % 2 == 0', ts: (_, n) => n !== null && n % 2 === 0 },
  many: { java: '(k, n) -> n == null || n > 1', ts: (_, n) => n === null || n > 1 },
}

export const mappers: Record<string, Both<(v: Text) => Text>> = {
  mark: { java: 'v -> tail(v + "!", 10)', ts: v => tail(`${v}!`, 10) },
  null1: {
    java: 'v -> v == null || v.endsWith("1") ? null : v',
    ts: v => (v === null || v.endsWith('1') ? null : v),
  },
  tail: { java: 'v -> v == null ? null : tail(v, 2)', ts: v => (v === null ? null : tail(v, 2)) },
}

export const longMappers: Record<string, Both<(n: number | null) => Text>> = {
  text: { java: 'n -> "" + n', ts: n => `${n}` },
  null2: {
    java: 'n -> n == null || n == 2 ? null : "n" + n',
    ts: n => (n === null || n === 2 ? null : `n${n}`),
  },
}

export const flatMappers: Record<string, Both<(v: Text) => string[]>> = {
  twice: {
    java: 'v -> v == null ? List.<String>of() : List.of(v, tail(v + "x", 8))',
    ts: v => (v === null ? [] : [v, tail(`${v}x`, 8)]),
  },
  some: {
    java: 'v -> v == null ? List.of("none") : v.endsWith("2") ? List.<String>of() : List.of(v)',
    ts: v => (v === null ? ['none'] : v.endsWith('2') ? [] : [v]),
  },
}

/** New keys of stream records. */
export const selectors: Record<string, Both<(k: Text, v: Text) => Text>> = {
  last: {
    java: '(k, v) -> v == null ? null : tail(v, 1)',
    ts: (_, v) => (v === null ? null : tail(v, 1)),
  },
  group: {
    java: '(k, v) -> v == null ? k : v.substring(0, Math.min(2, v.length()))',
    ts: (k, v) => (v === null ? k : v.slice(0, 2)),
  },
  double: {
    java: '(k, v) -> k == null ? "none" : tail(k + k, 3)',
    ts: k => (k === null ? 'none' : tail(`${k}${k}`, 3)),
  },
}

/** Groups of table rows: new key and new value. */
export const rowSelectors: Record<string, Both<(k: string, v: string) => readonly [Text, Text]>> = {
  group: {
    java: '(k, v) -> KeyValue.pair(v.substring(0, Math.min(2, v.length())), k + v)',
    ts: (k, v) => [v.slice(0, 2), `${k}${v}`],
  },
  all: { java: '(k, v) -> KeyValue.pair("all", v)', ts: (_, v) => ['all', v] },
  null5: {
    java: '(k, v) -> KeyValue.pair(v.endsWith("5") ? null : tail(v, 1), v)',
    ts: (_, v) => [v.endsWith('5') ? null : tail(v, 1), v],
  },
}

export const longRowSelectors: Record<
  string,
  Both<(k: string, n: number) => readonly [Text, Text]>
> = {
  size: {
    java: '(k, n) -> KeyValue.pair(n > 1 ? "many" : "few", "" + n)',
    ts: (_, n) => [n > 1 ? 'many' : 'few', `${n}`],
  },
}

/** Of strings into a string; `null7` deletes. */
export const aggregators: Record<string, Both<(k: unknown, v: unknown, agg: string) => Text>> = {
  append: {
    java: '(k, v, agg) -> tail(agg + "+" + v, 14)',
    ts: (_, v, agg) => tail(`${agg}+${String(v)}`, 14),
  },
  null7: {
    java: '(k, v, agg) -> String.valueOf(v).endsWith("7") ? null : tail(agg + v, 10)',
    ts: (_, v, agg) => (String(v).endsWith('7') ? null : tail(`${agg}${String(v)}`, 10)),
  },
}

export const reducers: Record<string, Both<(agg: Text, v: Text) => string>> = {
  append: { java: '(agg, v) -> tail(agg + v, 12)', ts: (agg, v) => tail(`${agg}${v}`, 12) },
  last: { java: '(agg, v) -> "" + v', ts: (_, v) => `${v}` },
}

/** Of two values, either of which may be null. */
export const joiners: Record<string, Both<(l: Text, r: Text) => Text>> = {
  pair: { java: '(l, r) -> tail(l + "&" + r, 16)', ts: (l, r) => tail(`${l}&${r}`, 16) },
  null4: {
    java: '(l, r) -> ("" + l).endsWith("4") ? null : tail(l + "/" + r, 16)',
    ts: (l, r) => (`${l}`.endsWith('4') ? null : tail(`${l}/${r}`, 16)),
  },
}

/** The function of a name. */
export function of<F>(functions: Record<string, Both<F>>, name: string): Both<F> {
  const both = functions[name]
  if (both === undefined) throw new Error(`there is no function ${name}`)
  return both
}
