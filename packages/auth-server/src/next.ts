import { signedBody } from './fetch-body.ts'
import { type Caller, RequestRefused, type Verify } from './verify-request.ts'

type Handler<R extends Request, C> = (request: R, caller: Caller, context: C) => Response | Promise<Response>

/**
 * Protects a Next.js route handler: `export const GET = protect(verify, { scope: 'notes:read' }, (request, caller) => …)`. It fits any
 * other handler from a Fetch `Request` to a `Response`, as of `Deno.serve` or a Netlify function.
 */
export function protect<R extends Request, C>(verify: Verify, { scope }: { scope?: string }, handler: Handler<R, C>) {
  return async (request: R, context: C): Promise<Response> => {
    const verified = await signedBody(request)
      .then((body) => verify(request, { scope, body }))
      .catch((error: unknown) => {
        if (error instanceof RequestRefused) return error
        throw error
      })
    return verified instanceof RequestRefused ? verified.toResponse() : handler(request, verified, context)
  }
}
