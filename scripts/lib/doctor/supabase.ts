import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import type { Gateway } from '../../../shared/gateway.ts'
import { listResources } from '../../../shared/queries/authorizations.ts'
import { listSigningKeys } from '../../../shared/queries/signing-keys.ts'
import { supabaseIssuer } from '../../../shared/tokens/jwt.ts'
import { type Checked, type Finding, get, look, ok, warning, wrong } from './check.ts'

const read = async (url: string) => {
  const response = await get(url)
  if (!response.ok) throw new Error(`${url} answers ${response.status}`)
  return response.json()
}

/** Reads what Supabase reads of an issuer, and verifies an expired token with it as of when it was valid. */
async function examine(gateway: Gateway, id: string, identifier: string): Promise<Finding> {
  const { issuer, jwts, reads } = gateway
  const own = supabaseIssuer(issuer, id)
  const all = await listSigningKeys(reads)
  const ours = all.filter(({ resource_id }) => resource_id === id)
  if (ours.length === 0) return wrong('it has no signing key', `npm run resources -- remove ${identifier}, and add it`)
  const metadata = (await read(`${own}/.well-known/openid-configuration`)) as { issuer: string; jwks_uri: string }
  if (metadata.issuer !== own) return wrong(`its issuer is ${metadata.issuer}`, `Set AUTH_BASE_URL there to ${issuer}`)
  const set = (await read(metadata.jwks_uri)) as JSONWebKeySet
  const foreign = set.keys.filter(({ kid }) => !ours.some((key) => key.kid === kid))
  if (foreign.length > 0 || set.keys.length < ours.length)
    return wrong('its key set is not that of this database', 'Use the same database there and wait 5 minutes')
  const past = new Date(Date.now() - 86_400_000)
  const exp = Math.floor(past.getTime() / 1000) + 60
  const token = await jwts.supabaseToken({ sub: id, aud: identifier, exp }, id)
  const { kid } = decodeProtectedHeader(token)
  const { payload } = await jwtVerify(token, createLocalJWKSet(set), { algorithms: ['ES256'], currentDate: past })
  if (!kid || payload.role !== 'authenticated') return wrong(`its tokens have the role ${payload.role}`, 'Report this')
  if (!own.startsWith('https:')) return warning(`${own} is not https`, 'Supabase fetches https addresses only')
  return ok(`${own}, ${ours.length} keys of its own`)
}

/** Checks the issuer of every Supabase project as Supabase does: metadata, key set, algorithm, key id and role. */
export async function checkSupabaseProjects(gateway: Gateway): Promise<Checked[]> {
  // Without the table, the check of the migrations says so.
  const known = await listResources(gateway.reads).catch(() => [])
  const fix = 'Make AUTH_BASE_URL lead to the gateway, from Supabase too'
  return Promise.all(
    known.flatMap(({ id, identifier, supabase }) =>
      supabase && id ? [look(`Supabase ${new URL(identifier).host}`, fix, () => examine(gateway, id, identifier))] : [],
    ),
  )
}
