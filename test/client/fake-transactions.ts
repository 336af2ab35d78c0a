import { errorCode } from '../../src/protocol/error-codes.ts'

interface Transactional {
  readonly producerId: bigint
  epoch: number
  readonly partitions: Set<number>
  readonly groups: Set<string>
  /** Of the open transaction. */
  readonly offsets: Map<string, number>
  lastEnd: boolean | null
}

interface Speaker {
  readonly transactionalId: string
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** The transaction coordinator of a fake cluster, by Kafka's rules. `mark` writes the marker of an end. */
export class FakeTransactions {
  /** Offsets of committed transactions, by group and partition. */
  readonly committed = new Map<string, number>()
  readonly #ids = new Map<string, Transactional>()
  readonly #mark: (partition: number, producer: Transactional, committed: boolean) => void

  constructor(mark: (partition: number, producer: Transactional, committed: boolean) => void) {
    this.#mark = mark
  }

  init(transactionalId: string, freshId: bigint): { producerId: bigint; producerEpoch: number } {
    let known = this.#ids.get(transactionalId)
    if (known === undefined) {
      const partitions = new Set<number>()
      const [groups, offsets] = [new Set<string>(), new Map<string, number>()]
      known = { producerId: freshId, epoch: -1, partitions, groups, offsets, lastEnd: null }
      this.#ids.set(transactionalId, known)
    }
    if (isOpen(known)) this.#close(known, false)
    known.epoch += 1
    known.lastEnd = null
    return { producerId: known.producerId, producerEpoch: known.epoch }
  }

  addPartitions(speaker: Speaker, partitions: readonly number[]): number {
    return this.#heard(speaker, known => {
      known.lastEnd = null
      for (const partition of partitions) known.partitions.add(partition)
      return errorCode.NONE
    })
  }

  addGroup(speaker: Speaker, group: string): number {
    return this.#heard(speaker, known => {
      known.lastEnd = null
      known.groups.add(group)
      return errorCode.NONE
    })
  }

  commitOffset(speaker: Speaker, group: string, partition: number, offset: number): number {
    return this.#heard(speaker, known => {
      if (!known.groups.has(group)) return errorCode.INVALID_TXN_STATE
      known.offsets.set(`${group} ${partition}`, offset)
      return errorCode.NONE
    })
  }

  end(speaker: Speaker, committed: boolean): number {
    return this.#heard(speaker, known => {
      if (!isOpen(known)) {
        return known.lastEnd === committed ? errorCode.NONE : errorCode.INVALID_TXN_STATE
      }
      this.#close(known, committed)
      return errorCode.NONE
    })
  }

  /** What the leader of a partition says to a batch of this producer. */
  verify(producerId: bigint, producerEpoch: number, partition: number): number {
    const known = [...this.#ids.values()].find(each => each.producerId === producerId)
    if (known === undefined) return errorCode.INVALID_PRODUCER_ID_MAPPING
    if (known.epoch !== producerEpoch) return errorCode.INVALID_PRODUCER_EPOCH
    return known.partitions.has(partition) ? errorCode.NONE : errorCode.INVALID_TXN_STATE
  }

  get open(): number {
    return [...this.#ids.values()].filter(isOpen).length
  }

  #heard(
    { transactionalId, producerId, producerEpoch }: Speaker,
    act: (known: Transactional) => number,
  ): number {
    const known = this.#ids.get(transactionalId)
    if (known?.producerId !== producerId) return errorCode.INVALID_PRODUCER_ID_MAPPING
    return known.epoch === producerEpoch ? act(known) : errorCode.PRODUCER_FENCED
  }

  #close(known: Transactional, committed: boolean): void {
    for (const partition of known.partitions) this.#mark(partition, known, committed)
    if (committed) for (const [key, offset] of known.offsets) this.committed.set(key, offset)
    known.partitions.clear()
    known.groups.clear()
    known.offsets.clear()
    known.lastEnd = committed
  }
}

const isOpen = ({ partitions, groups }: Transactional): boolean =>
  partitions.size > 0 || groups.size > 0
