import * as z from 'zod/mini'
import { chooseResources, scopesNeeded } from '../../access/resource.ts'
import { GatewayError, type Refusal } from '../../errors.ts'
import { once } from '../../once.ts'
import type { Client } from '../../queries/api-clients.ts'
import type { Resource } from '../../queries/authorizations.ts'
import { hostedCallback, isPrivateUse, matchesRedirectUri } from '../clients/redirect-uri.ts'
import { narrowScope } from '../token/scope.ts'
import { CODE_CHALLENGE } from './pkce.ts'
import { type RequestedAcr, requestedAcr } from './requested-acr.ts'

const text = once(() => z.optional(z.string().check(z.maxLength(4000))))

/** What an authorization request may say (OAuth 2.1 section 4.1.1, OpenID Connect Core section 3.1.2.1); the rest is ignored. */
export const authorizationParameters = once(() =>
  z.object({
    response_type: text(),
    response_mode: text(),
    redirect_uri: text(),
    scope: text(),
    state: text(),
    nonce: text(),
    code_challenge: text(),
    code_challenge_method: text(),
    dpop_jkt: text(),
    prompt: text(),
    max_age: text(),
    acr_values: text(),
    claims: text(),
    id_token_hint: z.optional(z.string().check(z.maxLength(8000))),
    login_hint: text(),
    request: z.optional(z.string()),
    request_uri: text(),
    registration: text(),
    resource: z.optional(z.array(z.string().check(z.maxLength(2000))).check(z.maxLength(10))),
  }),
)

/** By redirect (OAuth 2.0 Multiple Response Types section 2.1), or as a form that the browser posts (OAuth 2.0 Form Post Response Mode). */
export type ResponseMode = 'query' | 'fragment' | 'form_post'

/** A pushed request, and when it was pushed. */
export type PushedRequest = { id: string; requestUri: string; at: Date }

export type AuthorizationRequest = {
  client: Client
  redirectUri: string
  scope: string[]
  resources: string[]
  state?: string
  nonce?: string
  codeChallenge?: string
  /** Thumbprint of the key that the code is bound to (RFC 9449 section 10). */
  dpopJkt?: string
  responseMode: ResponseMode
  prompt: Set<string>
  /** Seconds. */
  maxAge?: number
  acr?: RequestedAcr
  idTokenHint?: string
  /** Set if the client pushed the request (RFC 9126). */
  pushed?: PushedRequest
}

/** An error that is returned to the client by redirect, since its redirect URI is verified (OAuth 2.1 section 4.1.2.1). */
export class AuthorizationError extends Error {
  constructor(
    readonly request: Pick<AuthorizationRequest, 'redirectUri' | 'state'> & { responseMode?: ResponseMode },
    readonly refusal: Refusal,
    readonly description?: string,
  ) {
    super(refusal)
  }
}

const invalid = (description: string): never => {
  throw new GatewayError('invalid_request', { description })
}

/** Returns a parameter that occurs once and is not empty. */
function single(params: URLSearchParams, name: string): string | undefined {
  const values = params.getAll(name)
  return values.length > 1 ? invalid(`The parameter ${name} was sent twice.`) : values[0] || undefined
}

/**
 * Checks the client and redirect URI of a request. Only after that may errors be returned by redirect. Our own native clients may use
 * the hosted callback without registering it.
 * @throws GatewayError for an error page: unknown or suspended client, missing or unregistered redirect URI
 */
export function checkRedirect(
  params: URLSearchParams,
  client: Client | undefined,
  issuer: string,
): { client: Client; redirectUri: string } {
  single(params, 'client_id')
  if (client?.status !== 'active')
    throw new GatewayError('invalid_request', { description: 'This application is unknown.', reason: 'client' })
  const redirectUri = single(params, 'redirect_uri')
  const { application_type, redirect_uris } = client.metadata
  const hosted = client.first_party && application_type === 'native' ? [hostedCallback(issuer)] : []
  if (!redirectUri || !matchesRedirectUri([...redirect_uris, ...hosted], redirectUri))
    throw new GatewayError('invalid_redirect_uri')
  return { client, redirectUri }
}

/**
 * Checks the rest of an authorization request.
 * @throws AuthorizationError
 * @see OAuth 2.1 section 4.1.1, OpenID Connect Core section 3.1.2.1, RFC 8707 section 2
 */
export function checkRequest(
  params: URLSearchParams,
  { client, redirectUri }: { client: Client; redirectUri: string },
  known: Resource[],
): AuthorizationRequest {
  const states = params.getAll('state')
  const state = states.length === 1 ? states[0] || undefined : undefined
  const responseMode = offeredModes(client, redirectUri).find((one) => one === params.get('response_mode')) ?? 'query'
  const get = (name: string) => single(params, name)
  try {
    const keptState = bounded('state', get('state'))
    for (const name of ['request', 'request_uri', 'registration'] as const)
      if (get(name)) throw new GatewayError(`${name}_not_supported`)
    const responseType = get('response_type') ?? invalid('response_type is required.')
    if (responseType !== 'code') throw new GatewayError('unsupported_response_type')
    if ((get('response_mode') ?? 'query') !== responseMode) invalid('This response_mode is not offered to the client.')
    const resource = params.getAll('resource').filter(Boolean)
    const scope = narrowScope(client, get('scope'), scopesNeeded(known, resource))
    if (!scope) throw new GatewayError('invalid_scope')
    return {
      client,
      redirectUri,
      state: keptState,
      scope,
      resources: chooseResources(known, resource, client),
      nonce: bounded('nonce', get('nonce')),
      responseMode,
      codeChallenge: codeChallenge(client, get('code_challenge'), get('code_challenge_method')),
      dpopJkt: thumbprint(get('dpop_jkt')),
      prompt: prompts(get('prompt')),
      maxAge: maxAge(get('max_age')),
      acr: requestedAcr(get('acr_values'), get('claims'), invalid),
      idTokenHint: get('id_token_hint'),
    }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    throw new AuthorizationError({ redirectUri, state, responseMode }, error.refusal, error.message)
  }
}

/**
 * Returns the response modes of a client other than `query`. `form_post` works for servers and programs on loopback, not for native
 * public clients or apps. `fragment` is for scripts in a page, and only with PKCE (RFC 9700 section 4.10).
 */
function offeredModes({ metadata }: Client, redirectUri: string): ResponseMode[] {
  if (isPrivateUse(redirectUri)) return []
  const isPublic = metadata.token_endpoint_auth_method === 'none'
  if (!isPublic) return ['form_post']
  return metadata.application_type === 'web' ? ['form_post', 'fragment'] : ['fragment']
}

/** A SHA-256 JWK thumbprint (RFC 7638 section 3.4). */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/

/** Maximum characters of a value that is recorded with the request. */
const MAX_KEPT = 2048

function bounded(name: string, value: string | undefined): string | undefined {
  return value && value.length > MAX_KEPT ? invalid(`${name} must have at most ${MAX_KEPT} characters.`) : value
}

function codeChallenge(client: Client, challenge?: string, method?: string): string | undefined {
  if (challenge === undefined) {
    const exempt = client.metadata.require_pkce === false && client.metadata.token_endpoint_auth_method !== 'none'
    return exempt && method === undefined ? undefined : invalid('code_challenge is required.')
  }
  if (method !== 'S256') invalid('code_challenge_method must be S256.')
  return CODE_CHALLENGE.test(challenge) ? challenge : invalid('code_challenge must be 43 base64url characters.')
}

function thumbprint(text: string | undefined): string | undefined {
  if (text !== undefined && !THUMBPRINT.test(text)) invalid('dpop_jkt must be 43 base64url characters.')
  return text
}

function prompts(text: string | undefined): Set<string> {
  const known = new Set(['none', 'login', 'consent', 'select_account'])
  const prompt = new Set((text ?? '').split(' ').filter((one) => known.has(one)))
  if (prompt.has('none') && prompt.size > 1) invalid('prompt none cannot be combined with other values.')
  return prompt
}

function maxAge(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  return /^\d{1,9}$/.test(text) ? Number(text) : invalid('max_age must be a number of seconds.')
}
