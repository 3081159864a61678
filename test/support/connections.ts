import { uuidv7 } from 'uuidv7'
import { addConnection, type ConnectionSettings, connection } from '../../shared/domain/connection.ts'
import { commit } from '../../shared/events/commit.ts'
import { parseConnection } from '../../shared/sso/settings.ts'
import { sealBytes } from '../../shared/tokens/sealed.ts'
import type { TestGateway } from './gateway.ts'

/** Connects another identity provider, as an operator does. */
export async function connect(
  { gateway }: TestGateway,
  given: Partial<ConnectionSettings>,
  secret?: string,
): Promise<void> {
  const { settings, faults } = parseConnection({ name: given.slug, protocol: 'oidc', ...given })
  if (!settings) throw new Error(faults.join(', '))
  const id = uuidv7()
  const sealed = secret ? sealBytes(gateway.derive('connection-secret'), Buffer.from(secret), id) : undefined
  const request = { requestId: crypto.randomUUID() }
  await commit({ store: gateway.store, personal: gateway.personal, request }, async (work) => {
    work.start(connection, id, {}).decide(() => addConnection(settings, sealed))
  })
}
