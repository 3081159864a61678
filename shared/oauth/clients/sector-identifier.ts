import type { ClientMetadata } from '../../domain/api-client.ts'
import { GatewayError } from '../../errors.ts'
import { GuardedFetchError, guardedFetch } from '../../http/guarded-fetch.ts'
import { parsePresent } from '../../present.ts'

const MAX_BYTES = 20_480

/**
 * Checks that the sector's document lists every redirect URI of the client: otherwise any client could join the sector.
 * @throws GatewayError client_metadata_invalid
 * @see OpenID Connect Registration section 5
 */
export async function checkSectorIdentifier({
  sector_identifier_uri: uri,
  redirect_uris,
}: ClientMetadata): Promise<void> {
  if (uri === undefined) return
  const invalid = (message: string, cause?: unknown) =>
    new GatewayError('client_metadata_invalid', {
      description: `sector_identifier_uri ${message}`,
      details: { sector_identifier_uri: [message] },
      cause,
    })
  const answer = await guardedFetch(uri, { maxBytes: MAX_BYTES }).catch((error: unknown) => {
    if (error instanceof GuardedFetchError) throw invalid('cannot be read', error)
    throw error
  })
  let listed: unknown
  try {
    listed = answer.status === 200 ? parsePresent(answer.body.toString()) : undefined
  } catch (error) {
    throw invalid('is not JSON', error)
  }
  if (!Array.isArray(listed)) throw invalid('does not return a list')
  if (!redirect_uris.every((one) => listed.includes(one))) throw invalid('does not list every redirect URI')
}
