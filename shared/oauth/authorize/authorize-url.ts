import { type Client, isStranger } from '../../queries/api-clients.ts'
import { matchesRedirectUri, shownHost } from '../clients/redirect-uri.ts'

/** Returns the parameters of the authorization request that a page returns to; none if it returns elsewhere. */
function pendingRequest(returnTo: string): URLSearchParams {
  const url = new URL(returnTo, 'http://gateway.invalid')
  return url.pathname.endsWith('/oauth/authorize') ? url.searchParams : new URLSearchParams()
}

/**
 * Returns where redirects after signing in may end, for a page's `form-action`: the redirect URI of the pending authorization request.
 * It is validated there; here it only extends the page's policy.
 */
export function endsAtClient(returnTo: string | undefined): string[] {
  if (!returnTo) return []
  const redirectUri = pendingRequest(returnTo).get('redirect_uri')
  return [
    ...(redirectUri && URL.canParse(redirectUri) ? [redirectUri] : []),
    ...(returnTo.startsWith('/') ? [] : [returnTo]),
  ]
}

/** Returns the redirect host of a self-registered client: of the pending request if registered, otherwise of its first redirect URI. */
export function unverifiedClientHost(client: Client, returnTo: string | undefined): string | undefined {
  if (!isStranger(client)) return undefined
  const { redirect_uris } = client.metadata
  const uri = endsAtClient(returnTo).find((one) => matchesRedirectUri(redirect_uris, one)) ?? redirect_uris[0]
  return uri && shownHost(uri)
}

/** Returns the client id of the pending authorization request. */
export const clientIdOf = (returnTo: string | undefined): string | undefined =>
  returnTo ? (pendingRequest(returnTo).get('client_id') ?? undefined) : undefined
