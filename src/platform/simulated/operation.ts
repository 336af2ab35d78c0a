/** One file operation of a machine, as told to `Machine.onOperation` before it takes place. */
export interface Operation {
  /** Counts the operations of this machine from 1. */
  readonly number: number
  readonly kind: OperationKind
  readonly path: string
}

/** `read` and `size` are those of an open file and of a path; `writev` is a `write`; `replace` consists of others. */
export type OperationKind =
  | 'open'
  | 'read'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'list'
  | 'size'
  | 'volume'
  | 'makeFolder'
  | 'rename'
  | 'remove'
  | 'syncFolder'
  | 'lock'
