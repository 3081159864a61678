import { randomInt } from 'node:crypto'
import { isPortBusy } from '../../../scripts/lib/ports.ts'

let next = 20_000 + randomInt(10_000)

/**
 * Returns a port for a server that starts and stops again and again. It is below the range that systems give to outgoing
 * connections, and is returned only once.
 */
export async function reservePort(): Promise<number> {
  while (await isPortBusy(next)) next++
  return next++
}
