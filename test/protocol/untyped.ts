/** Data of a client that comes without types, or of a recording. */
export type Untyped = ReturnType<typeof JSON.parse>
