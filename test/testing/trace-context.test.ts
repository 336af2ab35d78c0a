/** A trace of OpenTelemetry goes through a topology: the context in the headers of an input record is in those of what follows. */
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { expect, test } from 'vitest'
import { defineApp } from '../../src/dsl/define-app.ts'
import { string } from '../../src/serde/string.ts'
import { TestDriver } from '../../src/testing/index.ts'

const text = { key: string(), value: string() }

/** The context of a new span, as producers write it into headers (W3C Trace Context). */
function tracedHeaders(): { key: string; value: Buffer }[] {
  const span = new BasicTracerProvider().getTracer('producer').startSpan('send')
  const { traceId, spanId, traceFlags } = span.spanContext()
  span.end()
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
  return [
    { key: 'traceparent', value: Buffer.from(traceparent) },
    { key: 'tracestate', value: Buffer.from('vendor=1') },
  ]
}

test('through stateless operators, a repartition topic and an aggregation', () => {
  const app = defineApp('app', builder => {
    const source = builder.stream('in', text)
    source.mapValues(value => value.toUpperCase()).to('upper', text)
    source
      .selectKey((_key, value) => value)
      .groupByKey(text)
      .count({ store: 'counts' })
      .toStream()
      .mapValues(String)
      .to('counts', text)
  })
  const driver = new TestDriver(app)
  const input = driver.inputTopic('in', text)
  for (const key of ['a', 'b']) {
    const headers = tracedHeaders()
    input.pipe(key, 'yes', { headers })
    expect(driver.outputTopic('upper', text).read()).toMatchObject({ value: 'YES', headers })
    expect(driver.outputTopic('counts', text).read()).toMatchObject({ key: 'yes', headers })
  }
  driver.close()
})
