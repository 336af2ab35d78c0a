/**
 * Who may run what at once, when tasks move from one member to another. Pure. A task that moves is given to nobody in this
 * generation: its owner commits and closes it and joins again, and the next generation gives it away. So at no time two
 * members of one generation have it, although nobody waits for anybody (KIP-429; `StreamsPartitionAssignor` and
 * `CooperativeStickyAssignor.adjustAssignment`).
 */
export interface Claimant {
  readonly memberId: string
  /** Of the share that the claims are from. */
  readonly generation: number
  /** Tasks that it has, whether they run yet or not. */
  readonly owned: readonly string[]
}

export interface HandOver {
  /** Tasks that the member has from now on, some of them as before. */
  readonly tasks: readonly string[]
  /** Tasks that it has and is to commit and close. It joins again when that is done. */
  readonly revoked: readonly string[]
}

/**
 * The members with those claims that hold. Of two that claim one task, the one with the newer share has it: the other was
 * absent when the group gave it away, and can commit nothing of it.
 */
export function settleClaims<M extends Claimant>(members: readonly M[]): M[] {
  const owners = ownersOf([...members].sort((a, b) => a.generation - b.generation))
  return members.map(member => ({
    ...member,
    owned: member.owned.filter(task => owners.get(task) === member.memberId),
  }))
}

/** What each member has at once, of what it is to have in the end. For members whose claims are settled. */
export function handOver(
  members: readonly Claimant[],
  wanted: ReadonlyMap<string, readonly string[]>,
): Map<string, HandOver> {
  const owners = ownersOf(members)
  const shares = members.map(({ memberId, owned }): [string, HandOver] => {
    const given = wanted.get(memberId) ?? []
    const tasks = given.filter(task => (owners.get(task) ?? memberId) === memberId)
    const kept = new Set(tasks)
    return [memberId, { tasks, revoked: owned.filter(task => !kept.has(task)) }]
  })
  return new Map(shares)
}

const ownersOf = (members: readonly Claimant[]): Map<string, string> =>
  new Map(members.flatMap(({ memberId, owned }) => owned.map(task => [task, memberId])))
