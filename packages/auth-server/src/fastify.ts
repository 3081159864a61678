import { admit, type NodeNeeds } from './callers.ts'
import { type NodeRequest, RequestRefused, type Verify } from './verify-request.ts'

export { callerOf } from './callers.ts'

type FastifyRequest = { raw: NodeRequest }
type FastifyReply = {
  code(status: number): FastifyReply
  headers(headers: Record<string, string>): FastifyReply
  send(body: unknown): unknown
}

/** Fastify hook: `app.get('/notes', { onRequest: protect(verify, { scope: 'notes:read' }) }, …)`, then `callerOf(request)`. */
export function protect(verify: Verify, needs: NodeNeeds = {}) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    try {
      await admit(verify, request.raw, needs, request)
      return undefined
    } catch (error) {
      if (!(error instanceof RequestRefused)) throw error
      reply.code(error.status).headers(error.headers).send(error.body)
      return reply
    }
  }
}
