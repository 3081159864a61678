import { uuidv7 } from 'uuidv7'
import { createCall } from '../../shared/call.ts'
import { addConnection, addConnectionKey, type ConnectionSettings, connection } from '../../shared/domain/connection.ts'
import { commit } from '../../shared/events/commit.ts'
import { newConnectionKey } from '../../shared/sso/saml-keys.ts'
import { parseConnection } from '../../shared/sso/settings.ts'
import type { TestGateway } from './gateway.ts'

/** Connects another identity provider, as an operator does. */
export async function connect(
  { gateway }: TestGateway,
  given: Partial<ConnectionSettings>,
  secret?: string,
): Promise<void> {
  const { settings, problems } = parseConnection({ name: given.slug, protocol: 'oidc', ...given })
  if (!settings) throw new Error(problems.join(', '))
  const id = uuidv7()
  const sealed = secret ? gateway.ring.seal('connection-secret', Buffer.from(secret), id) : undefined
  const keyId = uuidv7()
  const key = settings.protocol === 'saml' ? { keyId, ...(await newConnectionKey(gateway, keyId)) } : undefined
  await commit(createCall(gateway), async (work) => {
    const stream = work.start(connection, id, {})
    stream.decide(() => addConnection(settings, sealed))
    if (key) stream.decide((state) => addConnectionKey(state, key))
  })
}
