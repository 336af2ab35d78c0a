/**
 * The part of Standard Schema (standardschema.dev, version 1) that we use. Zod, Valibot, ArkType and others implement
 * it, so any of them types and checks what a topic holds.
 */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

/** What a schema accepts and gives out: the type that a lambda sees. */
export type SchemaOutput<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output']

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}
