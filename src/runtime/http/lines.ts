import { MillraceError } from '../../errors.ts'

/** A line that is longer is no row: rows are records, which a log takes up to a few MiB. */
const maxLineChars = 64 * 1024 * 1024

/** Values as lines of JSON (NDJSON), made as they are read. */
export function linesResponse(values: AsyncIterable<unknown>): Response {
  async function* bytes(): AsyncIterable<Uint8Array> {
    for await (const value of values) yield Buffer.from(`${JSON.stringify(value)}\n`)
  }
  return new Response(ReadableStream.from(bytes()), {
    headers: { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' },
  })
}

/** The inverse. Throws CONNECTION_LOST when the other side goes away, PROTOCOL_ERROR for what is no JSON. */
export async function* readLines({ body, url }: Response): AsyncIterable<unknown> {
  if (body === null) return
  let text = ''
  try {
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      text += chunk
      if (text.length > maxLineChars) throw notLines(url)
      const lines = text.split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) yield parseJson(line, url)
    }
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    throw new MillraceError('CONNECTION_LOST', `The answer of ${url} was cut off. Ask again.`, {
      cause,
    })
  }
  if (text !== '') yield parseJson(text, url)
}

/** A whole answer. */
export async function readJson(response: Response): Promise<unknown> {
  const { url } = response
  try {
    return parseJson(await response.text(), url)
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    throw new MillraceError('CONNECTION_LOST', `The answer of ${url} was cut off. Ask again.`, {
      cause,
    })
  }
}

function parseJson(text: string, url: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw notLines(url)
  }
}

const notLines = (url: string): MillraceError =>
  new MillraceError(
    'PROTOCOL_ERROR',
    `What ${url} answered is no JSON. Check that an instance of the application listens there.`,
  )
