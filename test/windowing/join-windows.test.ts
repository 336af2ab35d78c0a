import { describe, expect, test } from 'vitest'
import { joinWindows } from '../../src/windowing/join-windows.ts'

describe('join windows', () => {
  test('reach as far before as after unless it is said otherwise', () => {
    expect(joinWindows({ seconds: 5 })).toEqual({
      beforeMs: 5_000,
      afterMs: 5_000,
      graceMs: 0,
      eager: false,
    })
    expect(joinWindows(5_000, { after: 7 })).toMatchObject({ beforeMs: 5_000, afterMs: 7 })
  })

  test('may lie beside the record, but not end before they begin', () => {
    expect(joinWindows(10, { before: -10 })).toMatchObject({ beforeMs: -10, afterMs: 10 })
    expect(() => joinWindows(10, { before: -11 })).toThrow(
      'Join windows reach from 11 ms to 10 ms after a record, so they end before they begin. Give a longer before or after.',
    )
  })

  test('have no negative difference or grace', () => {
    expect(() => joinWindows(-1)).toThrow('The time difference of join windows is -1 ms')
    expect(() => joinWindows(1, { grace: -1 })).toThrow('The grace of join windows is -1 ms')
  })
})
