import { randomUUID } from 'node:crypto'
import { userInfo } from 'node:os'
import { loadConfig } from '../../shared/config.ts'
import { commit, type Work } from '../../shared/events/commit.ts'
import { createGateway, type Gateway } from '../../shared/gateway.ts'
import { operatorEnvironment } from './operator-environment.ts'
import type { Terminal } from './terminal.ts'

/** Opens a gateway on the operator's connection for the time of `use`. */
export async function withGateway<T>({ env }: Terminal, use: (gateway: Gateway) => Promise<T>): Promise<T> {
  const gateway = createGateway(loadConfig(operatorEnvironment(env)))
  try {
    return await use(gateway)
  } finally {
    await gateway.close()
  }
}

/** Runs a unit of work in the name of the operator. */
export function act<T>({ store, personal }: Gateway, block: (work: Work) => Promise<T>): Promise<T> {
  return commit({ store, personal, request: { requestId: randomUUID() } }, async (work) => {
    work.actor = { type: 'operator', id: accountName() }
    return block(work)
  })
}

/** Who runs this command, as the operating system says. */
export function accountName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.()}`
  }
}
