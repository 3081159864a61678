import type { Caller, NodeRequest, Verify } from './verify-request.ts'

const callers = new WeakMap<object, Caller>()

/** What a route needs of its callers. */
export type NodeNeeds = {
  /** One or more scopes separated by spaces, all of which are required. */
  scope?: string
  /** The bytes of the body as received, for API keys that sign requests. */
  body?(request: object): Uint8Array | undefined
}

/** Verifies a Node request and remembers its caller under `key`. @throws RequestRefused */
export async function admit(
  verify: Verify,
  request: NodeRequest,
  { scope, body }: NodeNeeds,
  key: object = request,
): Promise<Caller> {
  const caller = await verify(request, { scope, body: body?.(key) })
  callers.set(key, caller)
  return caller
}

/** The caller of a request that `protect` let through. @throws Error for any other request */
export function callerOf(request: object): Caller {
  const caller = callers.get(request)
  if (!caller) throw new Error('This route is not protected')
  return caller
}
