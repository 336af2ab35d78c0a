import { expect, test } from 'vitest'
import { type ApplicationState, StateMachine } from '../../src/runtime/application-state.ts'

/** `KafkaStreams.State`: what may follow each state. */
const kafkaStreams: Record<ApplicationState, readonly ApplicationState[]> = {
  CREATED: ['REBALANCING', 'PENDING_SHUTDOWN'],
  REBALANCING: ['RUNNING', 'PENDING_SHUTDOWN', 'PENDING_ERROR'],
  RUNNING: ['REBALANCING', 'RUNNING', 'PENDING_SHUTDOWN', 'PENDING_ERROR'],
  PENDING_SHUTDOWN: ['NOT_RUNNING'],
  NOT_RUNNING: [],
  PENDING_ERROR: ['ERROR'],
  ERROR: [],
}

const states: ApplicationState[] = [
  'CREATED',
  'REBALANCING',
  'RUNNING',
  'PENDING_SHUTDOWN',
  'NOT_RUNNING',
  'PENDING_ERROR',
  'ERROR',
]

const wayTo: Record<ApplicationState, readonly ApplicationState[]> = {
  CREATED: [],
  REBALANCING: ['REBALANCING'],
  RUNNING: ['REBALANCING', 'RUNNING'],
  PENDING_SHUTDOWN: ['PENDING_SHUTDOWN'],
  NOT_RUNNING: ['PENDING_SHUTDOWN', 'NOT_RUNNING'],
  PENDING_ERROR: ['REBALANCING', 'PENDING_ERROR'],
  ERROR: ['REBALANCING', 'PENDING_ERROR', 'ERROR'],
}

test.each(states)('after %s comes what comes in Kafka Streams, and its listener is told', from => {
  for (const to of states) {
    const heard: string[] = []
    const machine = new StateMachine((state, previous) => heard.push(`${previous} → ${state}`))
    for (const state of wayTo[from]) machine.to(state)
    expect(machine.state).toBe(from)
    heard.length = 0
    if (to === from) {
      machine.to(to)
      expect(heard).toEqual([])
    } else if (kafkaStreams[from].includes(to)) {
      machine.to(to)
      expect(heard).toEqual([`${from} → ${to}`])
    } else {
      expect(() => machine.to(to)).toThrow(`an application in ${from} cannot become ${to}`)
      expect(machine.state).toBe(from)
    }
  }
})
