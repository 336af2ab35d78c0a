import { memoryEngine } from '../../src/state/memory-engine.ts'
import { storeEngineContract } from './store-engine-contract.ts'

storeEngineContract('memory', () => ({ engine: memoryEngine(), remove() {} }))
