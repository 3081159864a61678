/** The bytes of a request that an API key signed, which the handler can still read. */
export async function signedBody(request: Request): Promise<Uint8Array | undefined> {
  return request.headers.has('x-lanonasis-signature') ? new Uint8Array(await request.clone().arrayBuffer()) : undefined
}
