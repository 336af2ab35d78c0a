import { topologies as aggregations } from './aggregations.ts'
import { topologies as caching } from './caching.ts'
import { topologies as cogroup } from './cogroup.ts'
import { topologies as describe } from './describe.ts'
import { topologies as emitFinal } from './emit-final.ts'
import { topologies as errors } from './errors.ts'
import { topologies as foreignKeyJoins } from './foreign-key-joins.ts'
import { topologies as globalTables } from './global-tables.ts'
import { topologies as groupedTables } from './grouped-tables.ts'
import { topologies as moreErrors } from './more-errors.ts'
import { topologies as moreTables } from './more-tables.ts'
import { topologies as moreProcessors } from './more-processors.ts'
import { topologies as moreTime } from './more-time.ts'
import { topologies as optimization } from './optimization.ts'
import { topologies as processors } from './processors.ts'
import { topologies as punctuation } from './punctuation.ts'
import { topologies as random } from './random.ts'
import type { Topologies } from './shared.ts'
import { topologies as sessions } from './sessions.ts'
import { topologies as slidingWindows } from './sliding-windows.ts'
import { topologies as stateless } from './stateless.ts'
import { topologies as streamJoins } from './stream-joins.ts'
import { topologies as streamTableJoins } from './stream-table-joins.ts'
import { topologies as suppress } from './suppress.ts'
import { topologies as tableJoins } from './table-joins.ts'
import { topologies as tables } from './tables.ts'
import { topologies as time } from './time.ts'
import { topologies as versioned } from './versioned.ts'
import { topologies as windows } from './windows.ts'

/** By family: those of the folders of `scenarios`, and `more-…` for questions of our own. */
export const families: Record<string, Topologies> = {
  aggregations,
  caching,
  cogroup,
  describe,
  'emit-final': emitFinal,
  errors,
  'foreign-key-joins': foreignKeyJoins,
  'global-tables': globalTables,
  'grouped-tables': groupedTables,
  'more-errors': moreErrors,
  'more-tables': moreTables,
  'more-processors': moreProcessors,
  'more-time': moreTime,
  optimization,
  processors,
  punctuation,
  random,
  sessions,
  'sliding-windows': slidingWindows,
  stateless,
  'stream-joins': streamJoins,
  'stream-table-joins': streamTableJoins,
  suppress,
  'table-joins': tableJoins,
  tables,
  time,
  versioned,
  windows,
}
