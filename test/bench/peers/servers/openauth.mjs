// openauth on Postgres: its storage is a table of keys, values and expiry times.
import { serve } from '@hono/node-server'
import { issuer } from '@openauthjs/openauth'
import { CodeProvider } from '@openauthjs/openauth/provider/code'
import { createSubjects } from '@openauthjs/openauth/subject'
import postgres from 'postgres'

const { DATABASE_URL, PORT, SETUP } = process.env
const sql = postgres(DATABASE_URL, { max: 16, onnotice() {} })
const SEPARATOR = String.fromCharCode(31)
const keyOf = (parts) => parts.join(SEPARATOR)

const storage = {
  async get(parts) {
    const [row] = await sql`select v from kv where k = ${keyOf(parts)} and (exp is null or exp > now())`
    return row?.v
  },
  async set(parts, value, expiresAt) {
    await sql`
      insert into kv (k, v, exp) values (${keyOf(parts)}, ${sql.json(value)}, ${expiresAt ?? null})
      on conflict (k) do update set v = excluded.v, exp = excluded.exp`
  },
  async remove(parts) {
    await sql`delete from kv where k = ${keyOf(parts)}`
  },
  async *scan(prefix) {
    const from = keyOf(prefix)
    const rows = await sql`
      select k, v from kv
      where k >= ${from} and k < ${`${from}${SEPARATOR}\uffff`} and (exp is null or exp > now())`
    for (const { k, v } of rows) yield [k.split(SEPARATOR), v]
  },
}

const subject = { '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value }) } }
/** Address → the last code that was sent to it. */
const outbox = new Map()

const createIssuer = () =>
  issuer({
    storage,
    subjects: createSubjects({ user: subject }),
    allow: async () => true,
    ttl: { access: 3600, refresh: 86_400 },
    providers: {
      // Stands for a person who is signed in already: openauth keeps no sessions of its own.
      auto: {
        type: 'auto',
        init(routes, context) {
          routes.get('/authorize', (request) => context.success(request, { id: 'user-1' }))
        },
        client: async ({ clientID, clientSecret }) => {
          if (clientSecret !== 'bench-secret') throw new Error('wrong secret')
          return { id: clientID }
        },
      },
      code: CodeProvider({
        request: async () => new Response('ok'),
        sendCode: async ({ email }, code) => {
          outbox.set(email, code)
        },
      }),
    },
    success: async (context, value) => context.subject('user', { id: value.id ?? value.claims.email }),
  })

if (SETUP) {
  await sql`create table kv (k text collate "C" primary key, v jsonb not null, exp timestamptz)`
  console.log('{}')
  process.exit(0)
}
const app = createIssuer()
const OUTBOX = '/__otp?'
serve({
  port: Number(PORT),
  hostname: '127.0.0.1',
  fetch: (request) => {
    const at = request.url.indexOf(OUTBOX)
    if (at < 0) return app.fetch(request)
    return new Response(outbox.get(decodeURIComponent(request.url.slice(at + OUTBOX.length))))
  },
})
