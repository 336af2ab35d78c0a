import { z } from 'zod'
import { type ErrorCode, errorCodes, MillraceError } from '../../errors.ts'
import { readJson } from './lines.ts'

/** Which instance has answered for a partition, and of when its answer is. */
const partitionAnswer = z.object({
  partition: z.number(),
  owner: z.string().nullable(),
  role: z.enum(['active', 'restoring', 'standby']),
  position: z.record(z.string(), z.record(z.coerce.number(), z.number())),
  lag: z.number(),
  stalenessMs: z.number().nullable(),
  isolation: z.enum(['readUncommitted', 'readCommitted']),
})

const row = z.record(z.string(), z.unknown())

const rowAnswer = partitionAnswer.extend({ row: row.nullable() })

/** One line of an answer of many: a row, the end, or why there is no end. */
const line = z.union([
  z.object({ row }),
  z.object({
    end: z.object({
      rows: z.number(),
      truncated: z.boolean(),
      partitions: z.array(partitionAnswer),
    }),
  }),
  z.object({ error: z.object({ code: z.string(), message: z.string() }) }),
])

const failure = z.object({ code: z.string(), message: z.string() })

/** What an answer says of the partition that it comes from. */
export type PartitionAnswer = z.infer<typeof partitionAnswer>
export type RowAnswer = z.infer<typeof rowAnswer>
export type Line = z.infer<typeof line>

export const parseRowAnswer = (body: unknown, url: string): RowAnswer => parse(rowAnswer, body, url)

export const parseLine = (body: unknown, url: string): Line => parse(line, body, url)

/** The error that an answer tells of. */
export async function errorIn(response: Response): Promise<MillraceError> {
  return errorOf(parse(failure, await readJson(response), response.url))
}

export function errorOf({ code, message }: { code: string; message: string }): MillraceError {
  return new MillraceError(isErrorCode(code) ? code : 'PROTOCOL_ERROR', message)
}

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(errorCodes, code)

function parse<T>(schema: z.ZodType<T>, body: unknown, url: string): T {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  throw new MillraceError(
    'PROTOCOL_ERROR',
    `What ${url} answered is not what an instance answers. Run the same version of the application everywhere.`,
    { cause: parsed.error },
  )
}
