import type { Windowed, WindowEnds } from '../../serde/windowed.ts'
import type { TimeSpan } from '../../state/stores.ts'
import type { WindowStore } from '../../state/window-store.ts'
import type { ProcessorContext } from '../processor.ts'
import type { Change, Headers } from '../record.ts'

/** Forwards the rows of windows that start in a span of time, with the headers of the record that closed them. */
export function forwardFinal(
  store: WindowStore,
  span: TimeSpan,
  {
    windows,
    headers,
    context,
    withExpired = false,
  }: { windows: WindowEnds; headers: Headers; context: ProcessorContext; withExpired?: boolean },
): void {
  const rows = store.rowsByTime(span, { withExpired })
  for (const { key, windowStart: start, value, timestamp } of rows) {
    const windowed: Windowed<unknown> = { key, window: { start, end: windows.endOf(start) } }
    const change: Change<unknown> = { newValue: value, oldValue: null }
    context.forward({ key: windowed, value: change, timestamp, headers })
  }
}
