/**
 * How bad a change is for an application that has run:
 *
 * - `breaksState`: rows or unread records are lost or misread, and nothing says so at run time;
 * - `needsReset`: it does not start before its internal topics and state folders are deleted, if the partition counts are what
 *   the message says;
 * - `safe`: nothing is lost, but something begins empty or has to be restored.
 */
export type Severity = (typeof severities)[number]

/** The worst first. */
export const severities = ['breaksState', 'needsReset', 'safe'] as const

/** One thing that a deploy changes. */
export interface TopologyChange {
  readonly severity: Severity
  readonly subject: 'application' | 'store' | 'repartitionTopic' | 'subtopology'
  /** Name of the subject, before the change if it is gone; the number of a sub-topology. */
  readonly name: string
  /** What happens, and what to do about it. */
  readonly message: string
}
