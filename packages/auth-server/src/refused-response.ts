import type { ServerResponse } from 'node:http'
import type { RequestRefused } from './refusal.ts'

/** Writes the error response of a refusal to a Node response. */
export function writeRefusal(response: ServerResponse, { status, headers, body }: RequestRefused): void {
  response.writeHead(status, { ...headers, 'content-type': 'application/json' }).end(JSON.stringify(body))
}
