import { describe } from 'vitest'
import { simulate } from '../../../src/platform/simulated/simulation.ts'
import { platformContract } from '../platform-contract.ts'

describe.each([1, 2, 3])('seed %i', seed => {
  platformContract('simulate', () => {
    const simulation = simulate({ seed })
    const { platform } = simulation.machine('here')
    platform.files.makeFolder('/data')
    return {
      platform,
      folder: '/data',
      run: body => simulation.run(body()),
      dispose() {},
    }
  })
})
