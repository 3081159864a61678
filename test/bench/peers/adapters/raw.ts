import { randomInt } from 'node:crypto'
import type { Peer } from '../types.ts'

const ROWS = 1000
const randomRow = () => `k${randomInt(ROWS)}`

/** What this machine can do without any authentication logic. */
export const raw: Peer = {
  name: 'raw',
  program: 'raw.mjs',
  coldPath: '/hello',
  coldRequest: () => ({ path: '/select?k1' }),
  operations: () => ({
    HELLO: (user) => () => user.call('GET', '/hello'),
    INSERT: (user) => () => user.call('POST', `/insert?${randomRow()}`),
    SELECT: (user) => () => user.call('GET', `/select?${randomRow()}`),
    SELECT1: (user) => () => user.call('GET', `/select1?${randomRow()}`),
  }),
}
