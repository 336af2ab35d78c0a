import type { Logger } from '../logger.ts'

/**
 * Takes all steps in their order, also after one has failed, so that nothing stays open. Rejects at the end with the first
 * error: it is the cause, and those after it, which may be its consequences, are only logged.
 */
export async function closeAll(
  steps: readonly (() => Promise<void>)[],
  logger: Logger,
): Promise<void> {
  let first: { readonly error: unknown } | null = null
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      if (first === null) first = { error }
      else logger.error({ error }, 'Something else failed while closing')
    }
  }
  if (first !== null) throw first.error
}
