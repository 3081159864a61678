import { type Client, isStranger } from '../../queries/api-clients.ts'
import { matchesRedirectUri, shownHost } from '../clients/redirect-uri.ts'

/**
 * Where the redirects after signing in may end, for a page's `form-action`: the redirect URI of the authorization request that
 * the person is on the way to. It is checked there; here it only widens the page's own policy.
 */
export function endsAtClient(returnTo: string | undefined): string[] {
  if (!returnTo) return []
  const url = new URL(returnTo, 'http://gateway.invalid')
  const redirectUri = url.pathname.endsWith('/oauth/authorize') ? url.searchParams.get('redirect_uri') : undefined
  return [
    ...(redirectUri && URL.canParse(redirectUri) ? [redirectUri] : []),
    ...(returnTo.startsWith('/') ? [] : [returnTo]),
  ]
}

/** The host that a stranger's client has its answers sent to: of the redirect URI on the way if it is one of its own, else the first. */
export function unverifiedClientHost(client: Client, returnTo: string | undefined): string | undefined {
  if (!isStranger(client)) return undefined
  const { redirect_uris } = client.metadata
  const uri = endsAtClient(returnTo).find((one) => matchesRedirectUri(redirect_uris, one)) ?? redirect_uris[0]
  return uri && shownHost(uri)
}

/** The client id of the authorization request that the person is on the way to. */
export function clientIdOf(returnTo: string | undefined): string | undefined {
  if (!returnTo) return undefined
  const url = new URL(returnTo, 'http://gateway.invalid')
  return url.pathname.endsWith('/oauth/authorize') ? (url.searchParams.get('client_id') ?? undefined) : undefined
}
