import type { Client } from '../../shared/queries/api-clients.ts'
import { table } from './terminal.ts'

/** A client as RFC 7591 section 3.2.1 has it, and what is ours beside it. The secret is known only when it was just made. */
export function clientInformation(client: Client, secret?: string) {
  return {
    client_id: client.client_id,
    client_id_issued_at: Math.floor(new Date(client.created_at).getTime() / 1000),
    ...(secret !== undefined && { client_secret: secret, client_secret_expires_at: 0 }),
    ...client.metadata,
    status: client.status,
    first_party: client.first_party,
    origin: client.origin,
    secrets: client.secrets.length,
  }
}

/** The same for people. */
export function clientText(client: Client, secret?: string): string {
  const { client_secret, client_secret_expires_at, ...information } = clientInformation(client, secret)
  const shown = (value: unknown) => (Array.isArray(value) ? value.join('\n') : String(value))
  const rows = Object.entries(information).flatMap(([name, value]) =>
    shown(value)
      .split('\n')
      .map((line, n) => [n === 0 ? name : '', line]),
  )
  const lines = rows.map(([name = '', line]) => `${name.padEnd(28)}${line}`.trimEnd())
  if (client_secret !== undefined)
    lines.push('', `client_secret               ${client_secret}`, 'Shown this once: keep it now.')
  return lines.join('\n')
}

export function clientTable(clients: Client[]): string {
  return table(
    clients.map(({ client_id, status, first_party, origin, metadata }) => ({
      client_id,
      name: metadata.client_name,
      type: metadata.application_type,
      authentication: metadata.token_endpoint_auth_method,
      party: first_party ? 'first' : 'third',
      origin,
      status,
    })),
  )
}
