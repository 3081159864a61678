import * as z from 'zod/mini'
import { ownResource } from '../../shared/access/resource.ts'
import { config } from '../../shared/config.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { openToAll } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { ecosystemDocument, resourceMetadata, serverMetadata } from '../../shared/oauth/metadata.ts'
import { listResources } from '../../shared/queries/authorizations.ts'
import { KEY_SET_SECONDS } from '../../shared/tokens/keys.ts'

const app = createApp('oauth')
/** What does not change is answered by the configuration alone. */
const fixed = { authority: openToAll, withoutDatabase: true } as const
const settings = () => ({ issuer: config().AUTH_BASE_URL, config: config() })
const RESOURCE = '/.well-known/oauth-protected-resource'
const CACHE = { 'Cache-Control': `public, max-age=${KEY_SET_SECONDS}` }

for (const path of ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'])
  for (const route of [path, `${path}/*`])
    app.route('GET', route, fixed, (c) => c.json(serverMetadata(settings()), 200, CACHE))

/** Where everything is, for the CLI (docs/wire-contract.md 1.1 and 5.1). */
app.route('GET', '/.well-known/onasis.json', fixed, (c) => c.json(ecosystemDocument(settings()), 200, CACHE))

/** A browser signs in; a program is shown where everything is. */
app.route('GET', '/', fixed, (c) => {
  c.header('Vary', 'Accept')
  if (c.req.header('accept')?.includes('text/html')) return c.redirect('/web/login', 302)
  return c.json(ecosystemDocument(settings()))
})

/**
 * Protected resource metadata (RFC 9728 section 3): of the gateway itself, and of the registered resources whose hosts forward the
 * question here, by their path or, where they have none, by `resource`.
 */
for (const route of [RESOURCE, `${RESOURCE}/*`])
  app.route('GET', route, { authority: openToAll }, async (c) => {
    const { issuer, reads } = gateway()
    const { resource } = readQuery(c, z.object({ resource: z.optional(z.string().check(z.maxLength(2000))) }))
    const path = new URL(c.req.url).pathname.slice(RESOURCE.length).replace(/\/$/, '')
    const isOwn = !path && (!resource || resource === issuer)
    const known = isOwn ? [ownResource(issuer)] : await listResources(reads)
    const found = known.filter(
      ({ identifier }) => isOwn || (resource ? identifier === resource : new URL(identifier).pathname === path),
    )
    const [one, ...others] = found
    if (!one || others.length > 0) throw new GatewayError('not_found')
    return c.json(resourceMetadata(issuer, one), 200, CACHE)
  })

for (const path of ['/oauth/jwks.json', '/.well-known/jwks.json'])
  app.route('GET', path, { authority: openToAll }, async (c) => {
    const keys = await gateway().keys.published()
    return c.json({ keys: keys.map((key) => key.publicJwk) }, 200, CACHE)
  })

export default serve(app)
