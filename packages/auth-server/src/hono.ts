import { signedBody } from './fetch-body.ts'
import { type Caller, RequestRefused, type Verify } from './verify-request.ts'

type HonoContext = { req: { raw: Request }; set(key: 'caller', caller: Caller): void }

/** Hono middleware: `app.use('/notes/*', protect(verify, { scope: 'notes:read' }))`, then `c.get('caller')`. */
export function protect(verify: Verify, { scope }: { scope?: string } = {}) {
  return async (c: HonoContext, next: () => Promise<void>): Promise<Response | undefined> => {
    try {
      c.set('caller', await verify(c.req.raw, { scope, body: await signedBody(c.req.raw) }))
    } catch (error) {
      if (error instanceof RequestRefused) return error.toResponse()
      throw error
    }
    await next()
    return undefined
  }
}
