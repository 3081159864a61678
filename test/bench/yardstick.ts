import { createServer } from 'node:http'
import postgres from 'postgres'

// What any server here can reach at best: Node's own HTTP and one trivial query by the same driver, nothing else.
const sql = postgres(process.env.DATABASE_URL ?? '', { max: 1, prepare: false })

createServer(async (_request, response) => {
  const [row] = await sql`select 1 as one`
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(row))
}).listen(Number(process.env.PORT), '127.0.0.1')
