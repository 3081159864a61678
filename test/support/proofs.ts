import { createHash, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'

type Changes = Record<string, unknown>

const without = (claims: Changes) =>
  Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))

export type SigningKey = { alg: string; jwk: JWK; privateJwk: JWK; privateKey: CryptoKey; jkt: string }

export async function newSigningKey(alg = 'ES256'): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  return { alg, jwk, privateJwk: await exportJWK(privateKey), privateKey, jkt: await calculateJwkThumbprint(jwk) }
}

export const seconds = (at = new Date()) => Math.floor(at.getTime() / 1000)

/** A DPoP proof; an undefined claim or header member is omitted. */
export function dpopProof(
  { alg, jwk, privateKey }: SigningKey,
  claims: { htm: string; htu: string; accessToken?: string } & Changes,
  header: Changes = {},
): Promise<string> {
  const { accessToken, ...rest } = claims
  const ath = accessToken && createHash('sha256').update(accessToken).digest('base64url')
  const payload = without({ jti: randomUUID(), iat: seconds(), ath, ...rest }) as JWTPayload
  return new SignJWT(payload)
    .setProtectedHeader(without({ alg, typ: 'dpop+jwt', jwk, ...header }) as { alg: string })
    .sign(privateKey, { crit: { 'urn:example:extension': true } })
}

/** A client assertion, valid for two minutes; an undefined claim or header member is omitted. */
export function assertion(
  { alg, privateKey }: SigningKey,
  claims: { clientId: string; aud: unknown } & Changes,
  header: Changes = {},
): Promise<string> {
  const { clientId, ...rest } = claims
  const usual = { iss: clientId, sub: clientId, jti: randomUUID(), iat: seconds(), exp: seconds() + 120 }
  return new SignJWT(without({ ...usual, ...rest }) as JWTPayload)
    .setProtectedHeader(without({ alg, ...header }) as { alg: string })
    .sign(privateKey)
}
