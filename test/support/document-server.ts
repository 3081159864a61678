import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type DocumentServer = {
  url: string
  /** How often each path was asked for. */
  asked: Map<string, number>
  /** Serves a document as `<url><path>`, its client_id filled in; answers that address. */
  serve(path: string, document: object, headers?: Record<string, string>): string
  /** Answers a path in its own way. */
  answer(path: string, handle: (request: IncomingMessage, response: ServerResponse) => void): string
  stop(): Promise<void>
}

/** A developer's web server, where clients are described by documents. */
export async function startDocumentServer(): Promise<DocumentServer> {
  const handlers = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>()
  const asked = new Map<string, number>()
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.set(path, (asked.get(path) ?? 0) + 1)
    const handle = handlers.get(path)
    if (handle) return handle(request, response)
    response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const answer: DocumentServer['answer'] = (path, handle) => {
    handlers.set(path, handle)
    return `${url}${path}`
  }
  return {
    url,
    asked,
    answer,
    serve: (path, document, headers = {}) =>
      answer(path, (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', ...headers })
        response.end(JSON.stringify({ client_id: `${url}${path}`, ...document }))
      }),
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
