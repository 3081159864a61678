import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type DeliveryStub = {
  /** Base URL as `SUPABASE_FUNCTIONS_URL` wants it. */
  url: string
  /** Address → the last code that was sent to it. */
  codes: Map<string, string>
  stop(): Promise<void>
}

/**
 * Accepts every message at once, instead of the edge functions.
 * @param port default: a free one
 */
export async function startDeliveryStub(port = 0): Promise<DeliveryStub> {
  const codes = new Map<string, string>()
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { to, code } = JSON.parse(Buffer.concat(chunks).toString())
    codes.set(to, code)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ id: request.headers['webhook-id'], provider: 'stub' }))
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/functions/v1`,
    codes,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
