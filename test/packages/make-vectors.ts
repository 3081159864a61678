import { writeFileSync } from 'node:fs'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import { dpopProof, newSigningKey } from '../support/proofs.ts'

/** Language-neutral test vectors of the verifiers: `npx tsx test/packages/make-vectors.ts` writes them anew, with new keys. */
export const FILE = new URL('../../packages/vectors/verifier.json', import.meta.url)

const ISSUER = 'https://auth.example'
const AUDIENCE = 'https://notes.example'
const NOW = 1_900_000_000
const URL_OF_NOTES = `${AUDIENCE}/notes`

type Mode = 'online' | 'offline'
type Answer = { status: number; headers?: Record<string, string>; body?: object }
type Expected = { status: number; error?: string; sub?: string; kind?: string; scope?: string[] }
export type Step = {
  /** The clock, in seconds. */
  now: number
  /** The key set that the gateway publishes by then. */
  keys: string
  method: string
  path: string
  headers: Record<string, string>
  /** What the route needs. */
  scope?: string
  /** The answer of `POST /v1/auth/verify`; without one it must not be asked. */
  gateway?: Answer
  /** Members of the question that the gateway gets. */
  asks?: Record<string, unknown>
  expect: Expected
}
export type Vector = { name: string; mode: Mode; steps: Step[] }
export type Vectors = {
  issuer: string
  audience: string
  keys: Record<string, { keys: JWK[] }>
  vectors: Vector[]
}

async function newKey(alg: 'ES256' | 'RS256') {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(jwk)
  return { kid, alg, privateKey, jwk: { ...jwk, kid, alg, use: 'sig' } as JWK }
}
type Key = Awaited<ReturnType<typeof newKey>>

const claimsOf = (changes: JWTPayload = {}): JWTPayload => ({
  iss: ISSUER,
  sub: '0195d000-0000-7000-8000-00000000a001',
  aud: AUDIENCE,
  client_id: 'notes-app',
  scope: 'notes:read profile',
  iat: NOW - 60,
  exp: NOW + 3600,
  jti: 'a-token',
  ...changes,
})
const sign = (key: Key, claims: JWTPayload, header: object = {}) =>
  new SignJWT(claims).setProtectedHeader({ alg: key.alg, typ: 'at+jwt', kid: key.kid, ...header }).sign(key.privateKey)
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

const INVALID: Expected = { status: 401, error: 'invalid_token' }
const accepted = ({ sub = '', scope, sub_type }: JWTPayload): Expected => ({
  status: 200,
  sub,
  kind: sub_type === 'client' ? 'service' : 'person',
  scope: String(scope).split(' '),
})
const answerFor = ({ sub, scope, client_id, exp, sub_type }: JWTPayload): Answer => ({
  status: 200,
  body: { valid: true, sub, scope, client_id, exp, actor_type: sub_type === 'client' ? 'service' : 'user' },
})

/** Makes the vectors. */
export async function makeVectors(): Promise<Vectors> {
  const [first, next, id, holder] = [
    await newKey('ES256'),
    await newKey('ES256'),
    await newKey('RS256'),
    await newSigningKey(),
  ]
  const keys = {
    first: { keys: [first.jwk, id.jwk] },
    both: { keys: [first.jwk, next.jwk, id.jwk] },
    next: { keys: [next.jwk, id.jwk] },
  }
  const vectors: Vector[] = []
  const step = (headers: Record<string, string>, changes: Partial<Step>): Step => ({
    ...{ now: NOW, keys: 'first', method: 'GET', path: '/notes', headers, expect: INVALID },
    ...changes,
  })
  const bearer = (token: string, changes: Partial<Step> = {}) => step({ authorization: `Bearer ${token}` }, changes)
  const add = (name: string, mode: Mode, ...steps: Step[]) => vectors.push({ name, mode, steps })
  const inBoth = (name: string, one: Step) => {
    for (const mode of ['online', 'offline'] as const) add(name, mode, one)
  }
  /** A token that is accepted in both modes. */
  async function valid(name: string, claims: JWTPayload, changes: Partial<Step> = {}) {
    const [token, expected] = [await sign(first, claims), accepted(claims)]
    add(name, 'offline', bearer(token, { expect: expected, ...changes }))
    add(name, 'online', bearer(token, { expect: expected, gateway: answerFor(claims), ...changes }))
  }

  await valid('a token of a person', claimsOf())
  await valid('a token of a service', claimsOf({ sub: 'worker', client_id: 'worker', sub_type: 'client' }))
  await valid('a token for several resources', claimsOf({ aud: ['https://other.example', AUDIENCE] }))
  await valid('a token within the tolerated clock skew', claimsOf({ exp: NOW - 3 }))
  await valid('a wildcard scope', claimsOf({ scope: 'notes:*' }), { scope: 'notes:read' })
  await valid('the older spelling of a scope', claimsOf({ scope: 'memory:read' }), { scope: 'memories:read' })
  await valid('every scope', claimsOf({ scope: '*' }), { scope: 'notes:read notes:write' })
  for (const [name, scope] of [
    ['no such scope', 'profile'],
    ['a narrower scope than a wildcard', 'notes:read'],
  ] as const)
    await valid(name, claimsOf({ scope }), { scope: 'notes:*', expect: { status: 403, error: 'insufficient_scope' } })

  const wrong: Record<string, string> = {
    'an expired token': await sign(first, claimsOf({ exp: NOW - 60 })),
    'another audience': await sign(first, claimsOf({ aud: 'https://other.example' })),
    'a longer audience': await sign(first, claimsOf({ aud: `${AUDIENCE}/more` })),
    'another issuer': await sign(first, claimsOf({ iss: 'https://elsewhere.example' })),
    'no expiry': await sign(first, claimsOf({ exp: undefined })),
    'no client': await sign(first, claimsOf({ client_id: undefined })),
    'no subject': await sign(first, claimsOf({ sub: undefined })),
    'a token that is not valid yet': await sign(first, claimsOf({ nbf: NOW + 60 })),
    'an ID token': await sign(id, claimsOf(), { typ: 'JWT' }),
    'an access token by the key of ID tokens': await sign(id, claimsOf()),
    'no type': await sign(first, claimsOf(), { typ: undefined }),
    'an unknown key id': await sign(next, claimsOf()),
    'the key id of another key': await sign(next, claimsOf(), { kid: first.kid }),
    'a key in the header': await sign(next, claimsOf(), { kid: undefined, jwk: next.jwk }),
    'a critical extension': `${encode({ alg: 'ES256', typ: 'at+jwt', kid: first.kid, crit: ['b64'], b64: true })}.${(await sign(first, claimsOf())).split('.').slice(1).join('.')}`,
    'algorithm none': `${encode({ alg: 'none', typ: 'at+jwt' })}.${encode(claimsOf())}.`,
    'an HMAC under the public key': await new SignJWT(claimsOf())
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: first.kid })
      .sign(new TextEncoder().encode(JSON.stringify(first.jwk))),
    'another payload': (await sign(first, claimsOf())).replace(
      /\.[^.]+\./,
      `.${encode(claimsOf({ sub: 'mallory' }))}.`,
    ),
    'a signature of zeros': `${(await sign(first, claimsOf())).replace(/[^.]+$/, '')}${Buffer.alloc(64).toString('base64url')}`,
    'three parts of nothing': 'a.b.c',
    'no token': 'junk',
  }
  for (const [name, token] of Object.entries(wrong)) inBoth(name, bearer(token))

  inBoth('no credentials', step({}, { expect: { status: 401 } }))
  inBoth('another scheme', step({ authorization: 'Basic YTpi' }, { expect: { status: 401 } }))
  inBoth('two tokens', step({ authorization: 'Bearer a b' }, { expect: { status: 400, error: 'invalid_request' } }))
  inBoth(
    'a token in the query',
    step({}, { path: `/notes?access_token=${await sign(first, claimsOf())}`, expect: { status: 401 } }),
  )

  const good = await sign(first, claimsOf())
  const fine = bearer(good, { expect: accepted(claimsOf()), gateway: answerFor(claimsOf()) })
  add('a token that is revoked between two requests', 'online', fine, {
    ...fine,
    gateway: { status: 401 },
    expect: INVALID,
  })
  const down: Expected = { status: 503, error: 'temporarily_unavailable' }
  add('a gateway that fails', 'online', { ...fine, gateway: { status: 500 }, expect: down })
  add('an answer without a verdict', 'online', { ...fine, gateway: { status: 200, body: {} }, expect: down })
  const slow: Expected = { status: 429, error: 'rate_limited' }
  add('too many requests', 'online', {
    ...fine,
    gateway: { status: 429, headers: { 'retry-after': '7' } },
    expect: slow,
  })
  const forbidden: Expected = { status: 403, error: 'access_denied' }
  add('a caller that the gateway denies', 'online', { ...fine, gateway: { status: 403 }, expect: forbidden })

  const offline = bearer(good, { expect: accepted(claimsOf()) })
  const byNext = bearer(await sign(next, claimsOf()), { keys: 'both', now: NOW + 30, expect: accepted(claimsOf()) })
  add('a token by a key that was published since', 'offline', offline, byNext)
  add('a token by a key that was removed five minutes ago', 'offline', offline, {
    ...offline,
    now: NOW + 301,
    keys: 'next',
    expect: INVALID,
  })

  const toKey = claimsOf({ cnf: { jkt: holder.jkt } })
  const bound = await sign(first, toKey)
  inBoth('a token bound to a key, as Bearer', bearer(bound))
  inBoth(
    'a token bound to a key, without a proof',
    step({ authorization: `DPoP ${bound}` }, { expect: { status: 401, error: 'invalid_dpop_proof' } }),
  )
  inBoth('an unbound token as DPoP', step({ authorization: `DPoP ${good}` }, {}))
  inBoth(
    'a token bound to a certificate, without one',
    bearer(await sign(first, claimsOf({ cnf: { 'x5t#S256': holder.jkt } }))),
  )
  inBoth('a token with another kind of binding', bearer(await sign(first, claimsOf({ cnf: { kid: 'x' } }))))
  const proof = await dpopProof(holder, { htm: 'GET', htu: URL_OF_NOTES, accessToken: bound, iat: NOW })
  const withProof = step(
    { authorization: `DPoP ${bound}`, dpop: proof },
    {
      expect: accepted(toKey),
      gateway: answerFor(toKey),
      asks: { audience: AUDIENCE, dpop_proof: proof, dpop_htm: 'GET', dpop_htu: URL_OF_NOTES },
    },
  )
  add('a token bound to a key, with its proof', 'online', withProof)
  add('a proof that the gateway has seen', 'online', { ...withProof, gateway: { status: 401 }, expect: INVALID })

  const apiKey = `lano_${'0'.repeat(64)}`
  const answer: Answer = {
    status: 200,
    body: { valid: true, sub: 'ada', scope: 'notes:read', actor_type: 'user', api_key_id: 'k' },
  }
  const owner: Expected = { status: 200, sub: 'ada', kind: 'person', scope: ['notes:read'] }
  const ways: Record<string, Record<string, string>> = {
    'X-API-Key': { 'x-api-key': apiKey },
    ApiKey: { authorization: `ApiKey ${apiKey}` },
    Bearer: { authorization: `Bearer ${apiKey}` },
  }
  for (const [how, headers] of Object.entries(ways)) {
    const asks = { audience: AUDIENCE, method: 'GET', path: '/notes', scope: ['notes:read'] }
    const asked = step(headers, { scope: 'notes:read', gateway: answer, asks, expect: owner })
    add(`an API key as ${how}`, 'online', asked)
    add(`a revoked API key as ${how}`, 'online', { ...asked, gateway: { status: 401 }, expect: INVALID })
    add(`an API key as ${how}`, 'offline', step(headers, {}))
  }
  return { issuer: ISSUER, audience: AUDIENCE, keys, vectors }
}

if (import.meta.filename === process.argv[1]) writeFileSync(FILE, `${JSON.stringify(await makeVectors(), null, 1)}\n`)
