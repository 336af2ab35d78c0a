import type { LogFormat } from './standard-error-logger.ts'

/** A line that a worker wrote, as the supervisor writes it: with the worker's number. */
export function workerLine(
  written: { worker: number; stream: 'stdout' | 'stderr'; line: string; now: number },
  format: LogFormat,
): string {
  const { worker, stream, line, now } = written
  if (format === 'text') return `[worker ${worker}] ${line}\n`
  const logged = parseObject(line)
  if (logged !== undefined) return `${JSON.stringify({ ...logged, worker })}\n`
  // What the app prints, or Node: collectors of JSON get nothing else.
  const level = stream === 'stdout' ? 'info' : 'warn'
  return `${JSON.stringify({ level, time: now, message: line, worker })}\n`
}

function parseObject(line: string): object | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    // It only looked like JSON.
    return undefined
  }
}
