/**
 * Given to Node by `--import`: a process of Millrace then gets some of its modules from this folder, which wrap the real ones.
 * So a worker can be killed between two steps of a commit without a switch for it in the product.
 */
import module from 'node:module'

const folder = new URL('.', import.meta.url).href
const source = new URL('../../../src/', import.meta.url).href

const wrapped = new Map(
  ['client/kafka-client.ts', 'state/level-engine.ts', 'state/task-state.ts'].map(path => [
    `${source}${path}`,
    `${folder}${path.slice(path.indexOf('/') + 1)}`,
  ]),
)

module.registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context)
    const url = wrapped.get(found.url)
    return url === undefined || context.parentURL?.startsWith(folder) ? found : { ...found, url }
  },
})
