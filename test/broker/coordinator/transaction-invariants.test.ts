import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Intent, PARTITIONS, TransactionWorld } from './transaction-world.ts'

type Action =
  | { readonly kind: 'ask'; readonly client: number; readonly intent: Intent }
  | { readonly kind: 'write'; readonly client: number; readonly partition: number }
  | { readonly kind: 'connect' | 'giveUp' | 'restart' | 'turn'; readonly client: number }
  | { readonly kind: 'deliver' | 'pass' | 'crash'; readonly n: number }
  | { readonly kind: 'flush' | 'mark' | 'disk' }

const client = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { arbitrary: fc.constant(1), weight: 1 },
)
const partition = fc.nat(PARTITIONS - 1)
const intent: fc.Arbitrary<Intent> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('add' as const), partition }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      type: fc.constantFrom('commit' as const, 'abort' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('init' as const), isSuccessor: fc.constant(false) }),
  },
)

function act<Kind extends Action['kind']>(kind: Kind): fc.Arbitrary<Kind> {
  return fc.constant(kind)
}

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: act('ask'), client, intent }) },
  { weight: 6, arbitrary: fc.record({ kind: act('write'), client, partition }) },
  { weight: 14, arbitrary: fc.record({ kind: act('deliver'), n: fc.nat(5) }) },
  { weight: 12, arbitrary: fc.record({ kind: act('flush') }) },
  { weight: 12, arbitrary: fc.record({ kind: act('mark') }) },
  { weight: 6, arbitrary: fc.record({ kind: act('giveUp'), client }) },
  { weight: 1, arbitrary: fc.record({ kind: act('restart'), client }) },
  { weight: 1, arbitrary: fc.record({ kind: act('connect'), client }) },
  { weight: 4, arbitrary: fc.record({ kind: act('turn'), client }) },
  { weight: 2, arbitrary: fc.record({ kind: act('pass'), n: fc.nat(1500) }) },
  { weight: 1, arbitrary: fc.record({ kind: act('crash'), n: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: act('disk') }) },
)

function play(world: TransactionWorld, what: Action): void {
  switch (what.kind) {
    case 'ask':
      return world.ask(what.client, what.intent)
    case 'write':
      return world.write(what.client, what.partition)
    case 'giveUp':
      return world.giveUp(what.client)
    case 'restart':
      return world.restart(what.client)
    case 'connect':
      return world.connect(what.client)
    case 'turn':
      return world.turn(what.client)
    case 'deliver':
      return world.deliver(what.n)
    case 'pass':
      return world.pass(what.n)
    case 'crash':
      return world.crash(what.n)
    case 'flush':
      return world.flush()
    case 'mark':
      return world.mark()
    case 'disk':
      world.isDiskFull = !world.isDiskFull
  }
}

test('a transaction has one outcome everywhere, an end ends what it was meant for, and nothing stays open', () => {
  const seen = new Map<string, number>()
  fc.assert(
    fc.property(fc.array(action, { minLength: 50, maxLength: 250, size: 'max' }), actions => {
      const world = new TransactionWorld()
      for (const what of actions) play(world, what)
      world.end()
      for (const [what, count] of world.seen) seen.set(what, (seen.get(what) ?? 0) + count)
    }),
    { numRuns: 4000 },
  )
  // The test has seen what it is about.
  for (const what of [
    'written',
    'decided commit',
    'decided abort',
    'told commit',
    'told abort',
    'fenced open',
    'overtaken',
    'turned',
    'cut',
    'gave up',
    'refused',
    'started',
    'newer epoch',
    'due Ongoing',
    'disk full',
    'crashed',
  ]) {
    expect(seen.get(what) ?? 0, what).toBeGreaterThan(50)
  }
})
