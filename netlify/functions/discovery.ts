import * as z from 'zod/mini'
import { ownResource } from '../../shared/access/resource.ts'
import { config } from '../../shared/config.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { anything } from '../../shared/http/operation.ts'
import { openToAll } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { ecosystemDocument, resourceMetadata, serverMetadata, supabaseMetadata } from '../../shared/oauth/metadata.ts'
import { once } from '../../shared/once.ts'
import { listResources } from '../../shared/queries/authorizations.ts'
import { requireRelyingParty } from '../../shared/sign-in/passkey/relying-party.ts'
import { KEY_SET_SECONDS } from '../../shared/tokens/keys.ts'
import * as oauthSchemas from '../openapi/oauth-schemas.ts'

const app = createApp('oauth', { tag: 'Discovery' })
/** Documents that depend only on the configuration are served without the database. */
const fixed = { authority: openToAll, withoutDatabase: true } as const
const settings = () => ({ issuer: config().AUTH_BASE_URL, config: config() })
const RESOURCE = '/.well-known/oauth-protected-resource'
const CACHE = { 'Cache-Control': `public, max-age=${KEY_SET_SECONDS}` }
const SERVER = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'] as const

app.route('GET', [...SERVER, ...SERVER.map((path) => `${path}/*`)], {
  ...fixed,
  operation: {
    summary: 'Authorization server metadata (RFC 8414, OpenID Connect Discovery)',
    answers: { 200: oauthSchemas.serverMetadata },
  },
})((c) => c.json(serverMetadata(settings()), 200, CACHE))

/** Lists the endpoints for the CLI (docs/wire-contract.md 1.1 and 5.1). */
app.route('GET', '/.well-known/onasis.json', {
  ...fixed,
  operation: { summary: 'Lists the endpoints of the ecosystem', answers: { 200: anything } },
})((c) => c.json(ecosystemDocument(settings()), 200, CACHE))

/** Redirects a browser to the sign-in page; returns the endpoints to other clients. */
app.route('GET', '/', {
  ...fixed,
  operation: { summary: 'Lists the endpoints, or redirects browsers', answers: { 200: anything, 302: 'redirect' } },
})((c) => {
  c.header('Vary', 'Accept')
  if (c.req.header('accept')?.includes('text/html')) return c.redirect('/web/login', 302)
  return c.json(ecosystemDocument(settings()))
})

/** The other sites that may use passkeys of this one (WebAuthn Level 3 section 5.11). */
app.route('GET', '/.well-known/webauthn', {
  ...fixed,
  operation: { summary: 'Lists the origins that share passkeys (WebAuthn)', answers: { 200: anything } },
})((c) => {
  const { origins } = requireRelyingParty(config())
  return c.json({ origins: origins.filter((one) => one.startsWith('https:')) }, 200, CACHE)
})

/** Where password managers send people to add and manage passkeys. */
app.route('GET', '/.well-known/passkey-endpoints', {
  ...fixed,
  operation: { summary: 'Lists the pages for passkeys', answers: { 200: anything } },
})((c) => {
  requireRelyingParty(config())
  const { AUTH_BASE_URL: issuer } = config()
  return c.json({ enroll: `${issuer}/account/passkeys/new`, manage: `${issuer}/account/sign-in#passkeys` }, 200, CACHE)
})

const resourceQuery = once(() => z.object({ resource: z.optional(z.string().check(z.maxLength(2000))) }))

/**
 * Protected resource metadata (RFC 9728 section 3) of the gateway and of registered resources whose hosts forward the request here,
 * identified by their path or, without one, by `resource`.
 */
app.route('GET', [RESOURCE, `${RESOURCE}/*`], {
  authority: openToAll,
  operation: {
    summary: 'Protected resource metadata (RFC 9728)',
    query: resourceQuery,
    answers: { 200: oauthSchemas.resourceMetadata },
  },
})(async (c) => {
  const { issuer, reads } = gateway()
  const { resource } = readQuery(c, resourceQuery())
  const path = new URL(c.req.url).pathname.slice(RESOURCE.length).replace(/\/$/, '')
  const isOwn = !path && (!resource || resource === issuer)
  const known = isOwn ? [ownResource(issuer)] : await listResources(reads)
  const matching = known.filter(
    ({ identifier }) => isOwn || (resource ? identifier === resource : new URL(identifier).pathname === path),
  )
  const [one, ...others] = matching
  if (!one || others.length > 0) throw new GatewayError('not_found')
  return c.json(resourceMetadata(issuer, one), 200, CACHE)
})

app.route('GET', ['/oauth/jwks.json', '/.well-known/jwks.json'], {
  authority: openToAll,
  operation: { summary: 'Returns the public signing keys (RFC 7517)', answers: { 200: oauthSchemas.keySet } },
})(async (c) => {
  const keys = await gateway().keys.published()
  return c.json({ keys: keys.map((key) => key.publicJwk) }, 200, CACHE)
})

/** @throws GatewayError not_found unless it is the id of a Supabase project */
async function requireSupabase(id: string): Promise<string> {
  const known = await listResources(gateway().reads)
  if (!known.some((one) => one.id === id && one.supabase)) throw new GatewayError('not_found')
  return id
}

/** What Supabase fetches to verify the tokens of one project: that project's issuer, with keys that sign nothing else. */
app.route('GET', '/supabase/:id/.well-known/openid-configuration', {
  authority: openToAll,
  operation: { summary: 'Metadata of the issuer of a Supabase project', answers: { 200: oauthSchemas.supabaseIssuer } },
})(async (c) => {
  const id = await requireSupabase(c.req.param('id'))
  return c.json(supabaseMetadata(gateway(), id), 200, CACHE)
})

app.route('GET', '/supabase/:id/jwks.json', {
  authority: openToAll,
  operation: {
    summary: 'Returns the public signing keys of a Supabase project',
    answers: { 200: oauthSchemas.keySet },
  },
})(async (c) => {
  const keys = await gateway().keys.publishedOf(await requireSupabase(c.req.param('id')))
  return c.json({ keys: keys.map((key) => key.publicJwk) }, 200, CACHE)
})

export default serve(app)
