import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { parseProperties } from '../../src/cli/command-config.ts'
import {
  connectionOf,
  type ConnectionOptions,
  passwordVariable,
} from '../../src/cli/connection-options.ts'
import type { ConnectionSettings } from '../../src/cli/connection-settings.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-connection-'))
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => void delete process.env[passwordVariable])

const brokers = [{ host: 'localhost', port: 9092 }]

function file(name: string, ...lines: string[]): string {
  const path = join(folder, name)
  writeFileSync(path, lines.join('\n'))
  return path
}

const connection = (options: Omit<ConnectionOptions, 'brokers'>): ConnectionSettings =>
  connectionOf({ brokers, ...options }, nodePlatform().files)

const config = (...lines: string[]): ConnectionSettings =>
  connection({ commandConfig: file('client.properties', ...lines) })

describe('flags', () => {
  test('none: neither TLS nor a login', () => {
    expect(connection({})).toEqual({ brokers })
  })

  test('TLS by itself, and implied by a file', () => {
    expect(connection({ tls: true })).toEqual({ brokers, tls: {} })
    expect(connection({ tlsCa: file('ca.pem', 'CA') })).toEqual({ brokers, tls: { ca: 'CA' } })
  })

  test('a login, with its password from the environment', () => {
    process.env[passwordVariable] = 'sesame'
    expect(connection({ saslMechanism: 'SCRAM-SHA-256', saslUsername: 'ali' })).toEqual({
      brokers,
      sasl: { mechanism: 'SCRAM-SHA-256', username: 'ali', password: 'sesame' },
    })
  })

  test.each<[Omit<ConnectionOptions, 'brokers'>, RegExp]>([
    [{ saslMechanism: 'PLAIN', saslUsername: 'ali' }, /MILLRACE_SASL_PASSWORD/],
    [{ saslUsername: 'ali' }, /takes --sasl-mechanism/],
    [{ tlsCert: file('cert.pem', 'CERT') }, /both --tls-cert and --tls-key/],
    [{ tlsCa: 'no/such.pem' }, /--tls-ca: There is no file .*no\/such\.pem/],
    [{ commandConfig: 'no/such.properties' }, /no\/such\.properties\. Check --command-config/],
  ])('%j is refused', (options, message) => {
    expect(() => connection(options)).toThrow(message)
  })
})

describe('--command-config', () => {
  test('as Java clients write it', () => {
    file('trust.pem', 'CA')
    file('own.pem', 'CERT AND KEY')
    expect(
      config(
        '# secured',
        'security.protocol=SASL_SSL',
        'sasl.mechanism=SCRAM-SHA-512',
        'sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\',
        '  username="ali" \\',
        '  password="say \\"sesame\\"";',
        'ssl.truststore.type=PEM',
        'ssl.truststore.location=trust.pem',
        'ssl.keystore.type=PEM',
        'ssl.keystore.location=own.pem',
      ),
    ).toEqual({
      brokers,
      tls: { ca: 'CA', cert: 'CERT AND KEY', key: 'CERT AND KEY' },
      sasl: { mechanism: 'SCRAM-SHA-512', username: 'ali', password: 'say "sesame"' },
    })
  })

  test('as librdkafka has it', () => {
    const sasl = { mechanism: 'PLAIN', username: 'ali', password: 'a=b' }
    const lines = ['sasl.mechanisms=PLAIN', 'sasl.username: ali', 'sasl.password=a=b']
    expect(config('security.protocol=sasl_plaintext', ...lines)).toEqual({ brokers, sasl })
  })

  test('flags and the environment win over it', () => {
    const path = file(
      'weak.properties',
      'security.protocol=SASL_PLAINTEXT',
      'sasl.mechanism=PLAIN',
      'sasl.username=ali',
      'sasl.password=old',
    )
    process.env[passwordVariable] = 'new'
    const options = { commandConfig: path, saslUsername: 'baba', tls: true } as const
    expect(connection(options)).toEqual({
      brokers,
      tls: {},
      sasl: { mechanism: 'PLAIN', username: 'baba', password: 'new' },
    })
  })

  test('a flag for TLS is not undone by it', () => {
    const commandConfig = file('plain.properties', 'security.protocol=PLAINTEXT')
    expect(connection({ commandConfig })).toEqual({ brokers })
    const tlsCa = file('ca.pem', 'CA')
    expect(connection({ commandConfig, tlsCa })).toEqual({ brokers, tls: { ca: 'CA' } })
  })

  test.each([
    [['', 'sasl.pasword=sesame'], /:2: The property sasl\.pasword is not known/],
    [['security.protocol=HTTPS'], /:1: The value of security\.protocol .* SASL_SSL\./],
    [['sasl.mechanism=GSSAPI'], /one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512/],
    [['ssl.truststore.type=JKS'], /Only PEM/],
    [['sasl.jaas.config=sesame'], /must hold username/],
    [['ssl.ca.location=nowhere.pem'], /no such file/],
    [['security.protocol=SASL_SSL'], /takes --sasl-mechanism/],
  ])('%j is refused, without telling a secret', (lines, message) => {
    let told = ''
    try {
      config(...lines)
    } catch (error) {
      told = String(error)
    }
    expect(told).toMatch(message)
    expect(told).not.toContain('sesame')
  })
})

test('properties', () => {
  const text = 'a=1\r\n! no\n\n  b : x y \nc\nd=one\\\n   two\ne=back\\\\\nf g'
  expect(parseProperties(text)).toEqual([
    { name: 'a', value: '1', line: 1 },
    { name: 'b', value: 'x y', line: 4 },
    { name: 'c', value: '', line: 5 },
    { name: 'd', value: 'onetwo', line: 6 },
    { name: 'e', value: 'back\\\\', line: 8 },
    { name: 'f', value: 'g', line: 9 },
  ])
})
