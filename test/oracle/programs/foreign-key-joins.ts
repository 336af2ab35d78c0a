import type { KTable } from '../../../src/index.ts'
import { joiners, of } from './functions.ts'
import { drawStored, javaStored, type Stored, storedOptions, storedShape } from './materialized.ts'
import { as, type Call, isPlainTable, serdes, type Shape, table } from './program.ts'
import { key, pick } from './random-choice.ts'
import { nothing } from './stateless.ts'

interface ForeignKeyJoin {
  readonly f: string
  readonly extractor: 'value' | 'keyAndValue'
  /** Its name is that of the join, `TableJoined`. */
  readonly stored: Stored
}

/** Keys of the other table: a or b, none for some. */
const extractors = {
  value: {
    java: 'v -> v.endsWith("1") ? null : v.length() % 2 == 0 ? "a" : "b"',
    ts: (v: string): string | null => (v.endsWith('1') ? null : v.length % 2 === 0 ? 'a' : 'b'),
  },
  keyAndValue: {
    java: '(k, v) -> v.startsWith("g0") ? k : v.startsWith("g1") ? "c" : null',
    ts: (v: string, k: string): string | null =>
      v.startsWith('g0') ? k : v.startsWith('g1') ? 'c' : null,
  },
}

const knowsSerdes = (shape: Shape): boolean => isPlainTable(shape) && shape.serdeless !== true

const join = (method: 'join' | 'leftJoin'): Call<ForeignKeyJoin> => ({
  on: [knowsSerdes, knowsSerdes],
  draw: draw => ({
    f: key(joiners, draw.random),
    extractor: pick(['value', 'keyAndValue'], draw.random),
    stored: drawStored(draw, true),
  }),
  gives: ({ stored }, [shape = nothing]) => storedShape(shape, stored),
  java({ f, extractor, stored }, [on, other], [shape = nothing]) {
    const options = javaStored(stored, shape).replace('Named.as', 'TableJoined.as')
    return `${on}.${method}(${other}, ${extractors[extractor].java}, ${of(joiners, f).java}${options})`
  },
  build({ f, extractor, stored }, [on, other], [shape = nothing]) {
    const joined = as<KTable<string, string>>(other)
    const foreignKey = extractors[extractor].ts
    const joiner = as<(l: string, r: string | null) => string>(of(joiners, f).ts)
    const options = { ...storedOptions(stored, shape), ...serdes(shape) }
    return method === 'join'
      ? table(on).join(joined, foreignKey, joiner, options)
      : table(on).leftJoin(joined, foreignKey, joiner, options)
  },
})

export const foreignKeyJoins = {
  foreignKeyJoin: join('join'),
  foreignKeyLeftJoin: join('leftJoin'),
}
