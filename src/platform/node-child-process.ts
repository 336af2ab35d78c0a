/**
 * Child processes, for who supervises them. They are no part of `Platform`, because nothing in a simulation starts one. A
 * child runs the program that its parent runs, with other arguments, and talks with it in objects over a channel of its
 * own: what is said there is in no list of processes and in no log.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import process from 'node:process'
import type { Readable } from 'node:stream'
import { LineSplitter } from './line-splitter.ts'

export interface ChildProcess {
  /** Undefined when the system did not start it: then `ended` follows. */
  readonly pid: number | undefined
  /** A child that has ended, or is about to, does not get it: `ended` tells. */
  send(message: object): void
  kill(signal: NodeJS.Signals): void
}

export interface ChildHandlers {
  /** A whole line of what the child writes, without its end. */
  line(stream: 'stdout' | 'stderr', line: string): void
  message(message: unknown): void
  /** Called once, after the last message. Lines may follow, of processes that the child started. */
  ended(end: ChildEnd): void
}

/** How a process ended: by itself with a code, by a signal, or before it began. */
export type ChildEnd =
  { readonly code: number } | { readonly signal: NodeJS.Signals } | { readonly error: Error }

/** Starts this program anew with the arguments, without standard input. */
export function startChildProcess(args: readonly string[], handlers: ChildHandlers): ChildProcess {
  const [, program = ''] = process.argv
  const child = spawn(process.execPath, [...process.execArgv, program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const { stdout, stderr } = child
  assert(stdout !== null && stderr !== null, 'what is piped is there')
  readLines(stdout, line => handlers.line('stdout', line))
  readLines(stderr, line => handlers.line('stderr', line))
  child.on('message', message => handlers.message(message))

  let end: ChildEnd | undefined
  let isConnected = child.connected
  const tellEnd = (): void => {
    // The system may tell of the end before the last message was read.
    if (end !== undefined && !isConnected) handlers.ended(end)
  }
  child.once('disconnect', () => {
    isConnected = false
    tellEnd()
  })
  child.once('exit', (code, signal) => {
    end = code === null ? { signal: signal ?? 'SIGKILL' } : { code }
    tellEnd()
  })
  child.on('error', error => {
    // What cannot be sent or killed has ended or will; only a child that never was has no exit to tell of.
    if (child.pid !== undefined || end !== undefined) return
    end = { error }
    isConnected = false
    tellEnd()
  })
  return {
    pid: child.pid,
    send(message) {
      if (child.connected) child.send(message)
    },
    kill: signal => void child.kill(signal),
  }
}

/** So much is handed on as a line when no end comes: a program that never ends a line must not take the memory. */
const MAX_LINE_CHARS = 1 << 20

function readLines(stream: Readable, line: (line: string) => void): void {
  const lines = new LineSplitter(MAX_LINE_CHARS)
  stream.on('data', (bytes: Buffer) => lines.push(bytes).forEach(each => line(each)))
  stream.on('end', () => lines.end().forEach(each => line(each)))
}
