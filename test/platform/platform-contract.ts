import { describe } from 'vitest'
import type { Platform } from '../../src/platform/platform.ts'
import { clockContract } from './contract/clock-contract.ts'
import { filesContract } from './contract/files-contract.ts'
import { socketsContract } from './contract/sockets-contract.ts'

/** What one test of the contract runs in. */
export interface World {
  readonly platform: Platform
  /** An existing, empty folder. */
  readonly folder: string
  /** Runs the body to its end, driving whatever must be driven. */
  run(body: () => Promise<void>): Promise<void>
  dispose(): void
}

/** What every `Platform` does, whichever world it stands in: each implementation runs all of it. */
export function platformContract(name: string, open: () => World): void {
  const inWorld = (body: (world: World) => Promise<void>) => async (): Promise<void> => {
    const world = open()
    try {
      await world.run(() => body(world))
    } finally {
      world.dispose()
    }
  }
  describe(`${name} keeps the platform contract`, () => {
    clockContract(inWorld)
    filesContract(inWorld)
    socketsContract(inWorld)
  })
}

export type InWorld = (body: (world: World) => Promise<void>) => () => Promise<void>
