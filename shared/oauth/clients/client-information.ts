import type { Client } from '../../queries/api-clients.ts'

/** Returns a client information response (RFC 7591 section 3.2.1). The secret is known only right after it was created. */
export function clientInformation(client: Pick<Client, 'client_id' | 'created_at' | 'metadata'>, secret?: string) {
  return {
    client_id: client.client_id,
    client_id_issued_at: Math.floor(new Date(client.created_at).getTime() / 1000),
    ...(secret !== undefined && { client_secret: secret, client_secret_expires_at: 0 }),
    ...client.metadata,
  }
}
