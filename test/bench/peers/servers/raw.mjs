// What the machine can do behind HTTP: a handler without any authentication logic.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import postgres from 'postgres'

const { DATABASE_URL, PORT, SETUP } = process.env
const sql = postgres(DATABASE_URL, { max: 16, onnotice() {} })
/** One pipelined connection costs less CPU, and less with every query the longer it runs: the driver's pool grows a queue. */
const pipelined = postgres(DATABASE_URL, { max: 1, onnotice() {} })

async function setUp() {
  await sql`create table kv (id text primary key, v jsonb not null)`
  await sql`create table ev (pos bigint generated always as identity primary key, id text not null, v jsonb not null)`
  await sql`
    insert into kv select 'k' || i, jsonb_build_object('user', i, 'scope', 'read write') from generate_series(0, 999) i`
  await sql`analyze kv`
  console.log('{}')
}

/** Looks a row up, after the hash that a credential would cost. */
async function select(connection, id) {
  createHash('sha256').update(id).digest('base64url')
  const [row] = await connection`select v from kv where id = ${id}`
  return row.v
}

const routes = {
  '/hello': () => ({ hello: 'world' }),
  '/select': (id) => select(sql, id),
  '/select1': (id) => select(pipelined, id),
  '/insert': async (id) => {
    await sql`insert into ev (id, v) values (${id}, ${'{"type":"x"}'})`
    return { ok: true }
  },
}

async function answer(request, response) {
  const [path, id] = request.url.split('?')
  const body = JSON.stringify(await routes[path](id))
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

if (SETUP) {
  await setUp()
  process.exit(0)
}
const server = createServer((request, response) =>
  answer(request, response).catch((error) => {
    console.error(error)
    response.writeHead(500, { 'content-length': 0 }).end()
  }),
)
server.keepAliveTimeout = 120_000
server.listen(Number(PORT), '127.0.0.1')
