import type { ServerResponse } from 'node:http'
import { admit, type NodeNeeds } from './callers.ts'
import { writeRefusal } from './refused-response.ts'
import { type NodeRequest, RequestRefused, type Verify } from './verify-request.ts'

export { callerOf } from './callers.ts'

/** Express middleware: `app.use('/notes', protect(verify, { scope: 'notes:read' }))`, then `callerOf(request)`. */
export function protect(verify: Verify, needs: NodeNeeds = {}) {
  return (request: NodeRequest, response: ServerResponse, next: (error?: unknown) => void): void => {
    admit(verify, request, needs).then(
      () => next(),
      (error: unknown) => (error instanceof RequestRefused ? writeRefusal(response, error) : next(error)),
    )
  }
}
