import { createServer } from 'node:http'
import postgres from 'postgres'

// What a server can reach here at best: Node's own HTTP and one SELECT by primary key, over the same driver with the same options
// as the gateway. It proves nothing, seals nothing, logs nothing.
const options = { max: 3, prepare: false, max_pipeline: 0 }
const sql = postgres(process.env.DATABASE_URL ?? '', options)

createServer(async (request, response) => {
  const [row] = await sql`
    select id, owner_id, status, scopes, expires_at from auth_gateway.api_keys where id = ${request.headers['x-key-id'] as string}`
  response.writeHead(row ? 200 : 404, { 'content-type': 'application/json' })
  response.end(JSON.stringify(row ?? {}))
}).listen(Number(process.env.PORT), '127.0.0.1')
