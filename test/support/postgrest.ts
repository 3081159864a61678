import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import postgres from 'postgres'

/**
 * A stand-in for a Supabase project's API: what PostgREST documents of authentication, and as much of its tables as a test needs. It
 * verifies a token by the project's keys, takes the database role from the claim `role` (`anon` without a token), and runs each
 * request in a transaction with that role and `request.jwt.claims`. As PostgREST by default, it checks neither issuer nor audience,
 * and allows the clock 30 seconds.
 * @see https://docs.postgrest.org/en/stable/references/auth.html
 */
export async function startPostgrest(databaseUrl: string, keys: JSONWebKeySet) {
  const sql = postgres(databaseUrl, { max: 2, onnotice: () => {} })
  const keySet = createLocalJWKSet(keys)

  async function claimsOf(authorization: string | undefined): Promise<JWTPayload | undefined> {
    const token = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1]
    return token ? (await jwtVerify(token, keySet, { clockTolerance: 30 })).payload : undefined
  }

  async function answer(request: { method: string; url: URL; authorization?: string; body: string }) {
    const claims = await claimsOf(request.authorization)
    const role = String(claims?.role ?? 'anon')
    const table = request.url.pathname.replace('/rest/v1/', '')
    return sql.begin(async (work) => {
      await work`select set_config('role', ${role}, true), set_config('request.jwt.claims', ${JSON.stringify(claims ?? { role })}, true)`
      if (request.method === 'GET') return work`select * from public.${work(table)} order by 1`
      return work`insert into public.${work(table)} ${work(JSON.parse(request.body))} returning *`
    })
  }

  const server = createServer(async (request, response) => {
    let body = ''
    for await (const part of request) body += part
    const url = new URL(request.url ?? '', 'http://localhost')
    const { method = 'GET', headers } = request
    const [status, result] = await answer({ method, url, authorization: headers.authorization, body }).then(
      (rows) => [method === 'POST' ? 201 : 200, rows],
      (error: Error & { code?: string }) => {
        if (error instanceof errors.JWTExpired) return [401, { code: 'PGRST303', message: 'JWT expired' }]
        if (error instanceof errors.JOSEError) return [401, { code: 'PGRST301', message: error.code }]
        return [error.code === '42501' ? 403 : 400, { code: error.code, message: error.message }]
      },
    )
    response.writeHead(Number(status), { 'content-type': 'application/json' }).end(JSON.stringify(result))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.close()
      await sql.end({ timeout: 1 })
    },
  }
}
