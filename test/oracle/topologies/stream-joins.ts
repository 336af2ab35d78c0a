import { type JoinWindows, type StreamsBuilder, joinWindows } from '../../../src/index.ts'
import { type Topologies, strings } from './shared.ts'

type Define = (b: StreamsBuilder) => void

const pair = (left: string | null, right: string | null): string => `${left}+${right}`

const inner =
  (windows: JoinWindows): Define =>
  b => {
    const joined = b.stream('left', strings).join(b.stream('right', strings), pair, windows)
    joined.to('out', strings)
  }

const left =
  (windows: JoinWindows): Define =>
  b => {
    const joined = b.stream('left', strings).leftJoin(b.stream('right', strings), pair, windows)
    joined.to('out', strings)
  }

const outer =
  (windows: JoinWindows): Define =>
  b => {
    const joined = b.stream('left', strings).outerJoin(b.stream('right', strings), pair, windows)
    joined.to('out', strings)
  }

const tenAndHundred = joinWindows(10, { grace: 100 })
const tenAndFive = joinWindows(10, { grace: 5 })

export const topologies: Topologies = {
  'inner-join-after-only': inner(joinWindows(10, { before: 0, grace: 100 })),
  'inner-join-before-only': inner(joinWindows(10, { after: 0, grace: 100 })),
  'inner-join-bounds': inner(tenAndHundred),
  'inner-join-guide': inner(joinWindows(15, { grace: 5 })),
  'inner-join-headers': inner(tenAndHundred),
  'inner-join-keys': inner(tenAndHundred),
  'inner-join-offset-window': inner(joinWindows(10, { before: -5, grace: 100 })),
  'inner-join-timestamps': inner(tenAndHundred),
  'inner-join-very-late': inner(tenAndHundred),

  'inner-join-flat-map-values'(b) {
    const each = b.stream('left', strings).flatMapValues(v => v.split(','))
    each.join(b.stream('right', strings), pair, joinWindows(10), strings).to('out', strings)
  },

  'inner-join-in-memory'(b) {
    const stores = { thisStore: 'left-join-store', otherStore: 'right-join-store', inMemory: true }
    b.stream('left', strings)
      .join(b.stream('right', strings), pair, tenAndFive, stores)
      .to('out', strings)
  },

  'inner-join-repartitioned'(b) {
    const left = b.stream('left', strings).selectKey((_, v) => v.slice(0, 1))
    left.join(b.stream('right', strings), pair, joinWindows(10), strings).to('out', strings)
  },

  'join-named'(b) {
    const names = { name: 'pair', store: 'pairs' }
    b.stream('left', strings)
      .outerJoin(b.stream('right', strings), pair, joinWindows(10), names)
      .to('out', strings)
  },

  'left-join-asymmetric': left(joinWindows(20, { before: 0, grace: 5 })),
  'left-join-deprecated-of': left(joinWindows(10, { grace: 86_399_980, eager: true })),
  'left-join-guide': left(joinWindows(15, { grace: 5 })),
  'left-join-headers': left(tenAndFive),
  'left-join-held-order': left(tenAndFive),
  'left-join-late-left': left(tenAndFive),
  'left-join-min-time': left(tenAndFive),
  'left-join-right-before': left(tenAndFive),
  'left-join-unmatched': left(tenAndFive),

  'left-join-relaxed-repartition'(b) {
    const left = b.stream('left', strings).selectKey((_, v) => (v === '' ? null : v.slice(0, 1)))
    left.leftJoin(b.stream('right', strings), pair, joinWindows(10), strings).to('out', strings)
  },

  'outer-join-asymmetric': outer(joinWindows(5, { after: 15, grace: 3 })),
  'outer-join-held-order': outer(tenAndFive),
  'outer-join-unmatched': outer(tenAndFive),

  'self-join-optimized'(b) {
    const input = b.stream('in', strings)
    input.join(input, pair, joinWindows(10, { grace: 50 })).to('out', strings)
  },
}
