import { reply } from './http.ts'

type Handler = (request: Request) => Promise<Response>

/** Loads every function of this folder, by name: a directory with a `handler.ts` that exports `createHandler(env)`. */
async function loadHandlers(): Promise<Map<string, Handler>> {
  const root = new URL('../', import.meta.url)
  const env = Deno.env.toObject()
  const handlers = new Map<string, Handler>()
  for await (const entry of Deno.readDir(root)) {
    if (!entry.isDirectory || entry.name.startsWith('_') || entry.name.startsWith('.')) continue
    const { createHandler } = await import(new URL(`${entry.name}/handler.ts`, root).href)
    handlers.set(entry.name, createHandler(env))
  }
  return handlers
}

const handlers = await loadHandlers()

Deno.serve(
  {
    hostname: '127.0.0.1',
    port: Number(Deno.env.get('PORT') ?? 54321),
    onListen: ({ port }) => console.log(`edge functions ready on http://127.0.0.1:${port}/functions/v1`),
  },
  (request) => {
    const name = /^\/functions\/v1\/([a-z0-9-]+)\/?$/.exec(new URL(request.url).pathname)?.[1]
    const handler = name && handlers.get(name)
    return handler ? handler(request) : reply(404, { error: { http_code: 404, code: 'not_found' } })
  },
)
