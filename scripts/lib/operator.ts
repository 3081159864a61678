import { userInfo } from 'node:os'
import { createCall } from '../../shared/call.ts'
import { loadConfig } from '../../shared/config.ts'
import { commit, type Work } from '../../shared/events/commit.ts'
import { type Gateway, openGateway } from '../../shared/gateway.ts'
import { StartError } from '../../shared/start.ts'
import { operatorEnvironment } from './operator-environment.ts'
import { RefusedError, type Terminal } from './terminal.ts'

/**
 * Opens a gateway on the operator's connection while `use` runs.
 * @throws RefusedError when this environment does not fit the database
 */
export async function withGateway<T>({ env }: Terminal, use: (gateway: Gateway) => Promise<T>): Promise<T> {
  const { gateway } = await openGateway(loadConfig(operatorEnvironment(env))).catch((error) => {
    throw error instanceof StartError ? new RefusedError(error.message) : error
  })
  try {
    return await use(gateway)
  } finally {
    await gateway.close()
  }
}

export function actAsAccount(work: Work): void {
  work.actor = { type: 'operator', id: accountName() }
}

/** Runs a unit of work in the name of the operator. */
export function act<T>(gateway: Gateway, block: (work: Work) => Promise<T>): Promise<T> {
  return commit(createCall(gateway), async (work) => {
    actAsAccount(work)
    return block(work)
  })
}

/** Returns the operating system's name of the user who runs this command. */
export function accountName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.()}`
  }
}
