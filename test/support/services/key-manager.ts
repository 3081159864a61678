import { createServer } from 'node:http'
import { createVerifier, RequestRefused } from '@lanonasis/auth-server'
import { listening, settings } from './process.ts'

// The example of a resource server: it stores secrets, and returns them to callers that the gateway authorizes.

const { ISSUER, AUDIENCE, PROXY_SECRET } = settings('ISSUER', 'AUDIENCE', 'PROXY_SECRET')
const verify = createVerifier({ issuer: ISSUER, audience: AUDIENCE, proxySecret: PROXY_SECRET })

const server = createServer(async (request, response) => {
  const answer = (status: number, body: object, headers = {}) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
  try {
    const scope = request.method === 'GET' ? 'secrets:read' : 'secrets:write'
    const { sub, act } = await verify(request, { scope })
    answer(200, { secret: `the secret of ${sub}`, handed_to: act?.sub })
  } catch (error) {
    if (!(error instanceof RequestRefused)) return answer(500, { error: 'server_error' })
    answer(error.status, { error: error.code }, error.headers)
  }
})
listening(server)
