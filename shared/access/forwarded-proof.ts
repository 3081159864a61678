import * as z from 'zod/mini'
import { once } from '../once.ts'
import type { ForwardedProof } from './sender-constraint.ts'

const text = (longest: number) => z.optional(z.string().check(z.maxLength(longest)))

/**
 * Parameters with which a resource server lets the gateway check the binding of a token: the `DPoP` header it received with the
 * method and URL of its request, and the `x5t#S256` of the certificate on its connection.
 */
export const forwardedParameters = once(() => ({
  dpop_proof: text(4096),
  dpop_htm: text(20),
  dpop_htu: text(2000),
  client_certificate_thumbprint: text(100),
}))

type Given = { [name in keyof ReturnType<typeof forwardedParameters>]?: string }

/** Undefined when nothing was forwarded: then the current request is checked. */
export function forwardedProof(given: Given): ForwardedProof | undefined {
  const {
    dpop_proof: proof,
    dpop_htm: method,
    dpop_htu: url,
    client_certificate_thumbprint: certificateThumbprint,
  } = given
  return proof || certificateThumbprint ? { proof, method, url, certificateThumbprint } : undefined
}
