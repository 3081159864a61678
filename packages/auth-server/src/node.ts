import type { IncomingMessage, ServerResponse } from 'node:http'
import { admit, type NodeNeeds } from './callers.ts'
import { writeRefusal } from './refused-response.ts'
import { type Caller, RequestRefused, type Verify } from './verify-request.ts'

type Handler = (request: IncomingMessage, response: ServerResponse, caller: Caller) => unknown

/**
 * Protects a handler of Node's http server: `createServer(protect(verify, { scope: 'notes:read' }, (req, res, caller) => …))`.
 * An error other than a refusal, also of the handler, rejects the promise.
 */
export function protect(verify: Verify, needs: NodeNeeds, handler: Handler) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const caller = await admit(verify, request, needs).catch((error) => {
      if (!(error instanceof RequestRefused)) throw error
      writeRefusal(response, error)
    })
    if (caller) await handler(request, response, caller)
  }
}
