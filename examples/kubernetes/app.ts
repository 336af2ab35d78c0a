import { defineApp, long, string } from 'millrace'

const text = { key: string(), value: string() }

/** Under which name the other instances reach this one: that of its pod, which the headless service makes a host. */
const host = process.env['INSTANCE_HOST']

/** How many orders has each customer made? Values of `orders` are names of customers. */
export default defineApp(
  'order-totals',
  builder => {
    builder
      .stream('orders', text)
      .groupBy((_, customer) => customer, { ...text, name: 'by-customer' })
      .count({ store: 'totals' })
      .toStream()
      .to('totals', { value: long() })
  },
  {
    numStandbyReplicas: 1,
    ...(host !== undefined && {
      applicationServer: `${host}:8080`,
      applicationServerListen: '0.0.0.0:8080',
    }),
  },
)
