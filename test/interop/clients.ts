/**
 * Where the foreign clients are that `get-clients` has got. A suite whose client is not there is skipped with a sentence;
 * on a CI machine that is a failure.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { ForeignProcess } from './foreign-process.ts'

const cache = resolve(import.meta.dirname, '../../.cache/interop')

/** The versions of Apache Kafka whose clients and tools are used, oldest first. */
export const kafkaVersions = readFileSync(join(import.meta.dirname, 'java/versions'), 'utf8')
  .trim()
  .split('\n')

/** Whether a client is there; when it is not, says so, and fails where it must be there. */
function found(name: string, there: boolean): boolean {
  test.runIf(process.env['CI'] !== undefined)(`${name} is there on a CI machine`, () => {
    expect(there, 'run test/interop/get-clients').toBe(true)
  })
  if (!there) {
    process.stdout.write(
      `${name} is not there, test/interop/get-clients gets it: the tests with it are skipped.\n`,
    )
  }
  return there
}

/** The arguments of `java` that put a version of Apache Kafka and the programs of `java/src` on the class path. */
export function javaArguments(version: string): readonly string[] {
  const folder = join(cache, `kafka-${version}`)
  const classpath = readFileSync(join(folder, 'classpath'), 'utf8').trim()
  return [
    '-Xmx512m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=off',
    '-cp',
    `${join(folder, 'classes')}:${classpath}`,
  ]
}

export function hasKafka(version: string): boolean {
  return found(`Apache Kafka ${version}`, existsSync(join(cache, `kafka-${version}/classes`)))
}

/** A JVM with `java/src/Main.java` and one version of Apache Kafka. */
export function startJava(version: string): ForeignProcess {
  return new ForeignProcess('java', [...javaArguments(version), 'Main'])
}

const python = join(cache, 'python/bin/python')

export function hasPython(): boolean {
  return found("librdkafka's Python binding", existsSync(join(cache, 'python/requirements.txt')))
}

export function startPython(): ForeignProcess {
  return new ForeignProcess(python, [join(import.meta.dirname, 'python/checks.py')])
}
