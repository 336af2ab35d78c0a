/**
 * Keys and certificates in files, which are replaced while the broker runs: certificates expire. The files are read now
 * and then, and when the operator asks for it; what has changed is for new connections. Files that cannot be used, also
 * because only one of two is written yet, change nothing.
 */
import { z } from 'zod'
import { MillraceError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Files, Platform, ServerTls, Timer } from '../platform/platform.ts'

/** Where a listener finds its key and certificates, all PEM. */
export interface TlsConfig {
  /** File with the private key, without a password. */
  readonly key: string
  /** File with the certificate, followed by those between it and its root. */
  readonly cert: string
  /** File with the certificates that client certificates must come from; needed unless `clientAuth` is `none`. */
  readonly ca?: string
  /** Whether clients show a certificate: never, if they like, or always. @defaultValue 'none' */
  readonly clientAuth?: 'none' | 'requested' | 'required'
}

const file = z.string().min(1)

export const tlsConfigSchema = z
  .strictObject({
    key: file,
    cert: file,
    ca: file.optional(),
    clientAuth: z.enum(['none', 'requested', 'required']).default('none'),
  })
  .refine(({ ca, clientAuth }) => clientAuth === 'none' || ca !== undefined, {
    path: ['ca'],
    message: 'client certificates need the certificates they must come from',
  })

export type CompleteTlsConfig = z.infer<typeof tlsConfigSchema>

/** Throws INVALID_CONFIG when a file is not there, FILE_ERROR when it cannot be read. */
export function readTlsFiles(files: Files, config: CompleteTlsConfig): ServerTls {
  const read = (path: string): Buffer => {
    const content = files.read(path)
    if (content !== undefined) return content
    throw new MillraceError(
      'INVALID_CONFIG',
      `The TLS file ${path} does not exist: name the file that holds the key or certificate as PEM.`,
    )
  }
  const { key, cert, ca, clientAuth } = config
  return {
    key: read(key),
    cert: read(cert),
    ...(ca === undefined ? {} : { ca: read(ca) }),
    clientAuth,
  }
}

/** How often the files are looked at. */
const LOOK_MS = 10_000

export interface WatchedTls {
  readonly platform: Platform
  readonly logger: Logger
  /** Name of the listener. */
  readonly listener: string
  readonly config: CompleteTlsConfig
  /** What is in use. */
  readonly current: ServerTls
  /** Puts new files to use; throws INVALID_CONFIG when that is not possible. */
  readonly replace: (tls: ServerTls) => void
}

export interface TlsWatch {
  /** Looks at the files now. */
  reload(): void
  stop(): void
}

/** Puts changed files to use. Failures are told to the operator, once for each state of the files. */
export function watchTlsFiles(options: WatchedTls): TlsWatch {
  const { platform, logger, listener, config, replace } = options
  let seen = options.current
  let complaint = ''
  let timer: Timer = schedule()

  function schedule(): Timer {
    return platform.timers.schedule(LOOK_MS, () => {
      reload()
      timer = schedule()
    })
  }

  function reload(): void {
    try {
      const found = readTlsFiles(platform.files, config)
      if (isSame(found, seen)) return
      seen = found
      replace(found)
      complaint = ''
      logger.info({ listener, cert: config.cert }, 'A changed TLS certificate is used from now on.')
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      if (error.message === complaint) return
      complaint = error.message
      logger.error(
        { listener, error },
        `Changed TLS files are not used, the old ones are: ${error.message}`,
      )
    }
  }

  return {
    reload,
    stop: () => timer.cancel(),
  }
}

function isSame(a: ServerTls, b: ServerTls): boolean {
  return a.key.equals(b.key) && a.cert.equals(b.cert) && (a.ca === b.ca || isEqual(a.ca, b.ca))
}

function isEqual(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a !== undefined && b !== undefined && a.equals(b)
}
