import type { AuthorizationRequest } from '../../shared/oauth/authorize/authorization-request.ts'
import { rememberedConsent } from '../../shared/oauth/authorize/authorize-steps.ts'
import { hostedCallback, isLoopback, isPrivateUse, shownHost } from '../../shared/oauth/clients/redirect-uri.ts'
import { isStranger } from '../../shared/queries/api-clients.ts'
import type { AuthorizeFacts } from '../../shared/queries/authorizations.ts'
import type { SignedIn } from '../../shared/queries/sessions.ts'
import { ConsentPage } from './consent.tsx'
import { scopeSentence } from './copy.ts'
import { renderPage } from './render.ts'

const hostOf = (uri: string | undefined) => (uri && URL.canParse(uri) ? shownHost(uri) : undefined)

function warningOf(redirectUri: string, issuer: string) {
  if (redirectUri === hostedCallback(issuer)) return 'terminal'
  if (isLoopback(redirectUri)) return 'localhost'
  return isPrivateUse(redirectUri) ? 'custom-scheme' : undefined
}

/** The page that asks whether a client may act for the person (OAuth 2.1 section 7.9). */
export function consentPage(input: {
  id: string
  csrf: string
  wanted: AuthorizationRequest
  facts: AuthorizeFacts
  signedIn: SignedIn
  /** The request, to restart it after it expired. */
  returnTo: string
  switchAccountHref: string
  issuer: string
  notice?: string
}): Response {
  const { wanted, facts, signedIn } = input
  const { client, redirectUri, scope, resources } = wanted
  const { client_name, client_uri, policy_uri, tos_uri } = client.metadata
  const allowed = rememberedConsent(client, facts.consent)
  const named = facts.resources.filter((one) => resources.includes(one.identifier) && !one.is_default)
  return renderPage(
    <ConsentPage
      action="/oauth/consent"
      csrf={input.csrf}
      authorizationId={input.id}
      returnTo={input.returnTo}
      notice={input.notice}
      client={{
        name: client_name,
        host: hostOf(client_uri),
        documentHost: client.origin === 'document' ? hostOf(client.client_id) : undefined,
        redirectHost: shownHost(redirectUri),
        firstParty: client.first_party,
        verified: !isStranger(client),
        uri: client_uri,
        policyUri: policy_uri,
        tosUri: tos_uri,
      }}
      account={{ email: signedIn.person.email, name: signedIn.person.name }}
      scopes={scope.map((name) => ({
        name,
        ...scopeSentence(name),
        alreadyGranted: allowed.scopes.includes(name),
      }))}
      resources={named.map(({ name, identifier }) => ({ name, identifier }))}
      switchAccountHref={input.switchAccountHref}
      warning={warningOf(redirectUri, input.issuer)}
    />,
    { formAction: [redirectUri] },
  )
}
