import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import type { Hono } from 'hono'

/** Serves an app on the loopback interface. Port 0 takes any free one. */
export async function serveLocally(app: Hono, port: number): Promise<{ url: string; stop(): Promise<void> }> {
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port }) as Server
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
