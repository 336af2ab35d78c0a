/**
 * Does the work while `Date.now()` and `new Date()` tell the time of an application instead of that of the machine: what an
 * app reads of the clock while it processes a record is then the same each time.
 */
export function withApplicationDate<T>(now: () => number, work: () => T): T {
  const real = globalThis.Date
  globalThis.Date = new Proxy(real, {
    construct: (target, given: unknown[], made) =>
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      Reflect.construct(target, given.length === 0 ? [now()] : given, made) as Date,
    get: (target, name, receiver): unknown =>
      name === 'now' ? now : Reflect.get(target, name, receiver),
  })
  try {
    return work()
  } finally {
    globalThis.Date = real
  }
}
