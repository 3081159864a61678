// For the Netlify site that serves api.lanonasis.com or mcp.lanonasis.com: copy it to `netlify/edge-functions/` there. It removes these
// headers from requests; functions of that site ask the gateway who is calling.
const IDENTITY_HEADERS = [
  'X-UAI-Auth-Id',
  'X-UAI-Organization',
  'X-UAI-Auth-Method',
  'X-UAI-Credential-Id',
  'X-UAI-Email',
  'X-UAI-Scope',
  'X-UAI-Client-Id',
  'X-UAI-Audience',
  'X-UAI-From-Cache',
  'X-Auth-Source',
  'X-Actor-Id',
  'X-Actor-Type',
  'X-API-Key-Id',
  'X-Project-Scope',
  'X-UAI-Assertion',
  'X-Service',
  'X-Vendor',
  'X-User-Id',
  'X-User-Role',
  'X-UAI-Error',
]

export default (request, context) => {
  const headers = new Headers(request.headers)
  for (const name of IDENTITY_HEADERS) headers.delete(name)
  return context.next(new Request(request, { headers }))
}

/** The redirects of `api-host.toml` forward these paths to the gateway, which checks the headers itself. */
export const config = {
  path: '/*',
  excludedPath: [
    '/v1/*',
    '/auth/*',
    '/otp/*',
    '/api/v1/auth/*',
    '/api/v1/oauth/*',
    '/oauth/*',
    '/api/v1/api-keys/*',
    '/api/v1/projects/*',
    '/api/v1/services/*',
  ],
}
