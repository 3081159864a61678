import { gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { serve } from '../../shared/http/serve.ts'
import { serverMetadata } from '../../shared/oauth/metadata.ts'
import { KEY_SET_SECONDS } from '../../shared/tokens/keys.ts'

const app = createApp('oauth')
const CACHE = { 'Cache-Control': `public, max-age=${KEY_SET_SECONDS}` }

for (const path of ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'])
  for (const route of [path, `${path}/*`]) app.get(route, (c) => c.json(serverMetadata(gateway()), 200, CACHE))

for (const path of ['/oauth/jwks.json', '/.well-known/jwks.json'])
  app.get(path, async (c) => {
    const keys = await gateway().keys.published()
    return c.json({ keys: keys.map((key) => key.publicJwk) }, 200, CACHE)
  })

export default serve(app)
