import type { TimeSpan } from '../../state/stores.ts'
import type { ProcessorContext } from '../processor.ts'

/** How a windowed aggregation gives its results. Kafka Streams' `EmitStrategy`. */
export type EmitStrategy = 'onWindowUpdate' | 'onWindowClose'

/**
 * What emitting on window close keeps: the returned function gives the times of the windows that have closed since it was last
 * called, their starts or the ends of sessions; null when there can be none. No time is given twice, after a restart
 * neither: how far it went is committed with the offsets of the inputs, as Kafka Streams does, under the same name.
 *
 * `lastClosed` is the last time of a window that is closed at a close time; negative when none can be.
 */
export function closedWindows(
  context: ProcessorContext,
  storeName: string,
  lastClosed: (closeTime: number) => number,
): (closeTime: number) => TimeSpan | null {
  const emitted = context.metadata(storeName)
  return closeTime => {
    if (closeTime <= emitted.value) return null
    const to = lastClosed(closeTime)
    if (to < 0) return null
    const from = emitted.value < 0 ? 0 : lastClosed(emitted.value) + 1
    emitted.value = closeTime
    return from <= to ? { from, to } : null
  }
}
