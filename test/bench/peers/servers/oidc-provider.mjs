// oidc-provider, with its own adapter in memory (OIDC_ADAPTER=memory: nothing is durable) or one table in Postgres. The
// interaction signs everyone in at once.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { Provider } from 'oidc-provider'
import postgres from 'postgres'

const { DATABASE_URL, OIDC_ADAPTER, PORT, SETUP } = process.env
const isInMemory = OIDC_ADAPTER === 'memory'
const client = { client_id: 'bench', client_secret: 'bench-secret-bench-secret-bench-secret' }
const sql = isInMemory ? undefined : postgres(DATABASE_URL, { max: 16, onnotice() {} })
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

function payloadOf([row]) {
  if (!row || (row.expires_at && row.expires_at <= Date.now())) return undefined
  return row.consumed ? { ...row.payload, consumed: true } : row.payload
}

class PostgresAdapter {
  constructor(type) {
    this.type = type
  }

  async upsert(id, payload, seconds) {
    const { grantId = null, userCode = null, uid = null } = payload
    const expiresAt = seconds ? new Date(Date.now() + seconds * 1000) : null
    await sql`
      insert into oidc (type, id, payload, grant_id, user_code, uid, expires_at)
      values (${this.type}, ${id}, ${sql.json(payload)}, ${grantId}, ${userCode}, ${uid}, ${expiresAt})
      on conflict (type, id) do update set payload = excluded.payload, grant_id = excluded.grant_id,
        user_code = excluded.user_code, uid = excluded.uid, expires_at = excluded.expires_at`
  }

  async find(id) {
    return payloadOf(await sql`select payload, consumed, expires_at from oidc where type = ${this.type} and id = ${id}`)
  }

  async findByUid(uid) {
    return payloadOf(
      await sql`select payload, consumed, expires_at from oidc where type = ${this.type} and uid = ${uid}`,
    )
  }

  async findByUserCode(code) {
    return payloadOf(
      await sql`select payload, consumed, expires_at from oidc where type = ${this.type} and user_code = ${code}`,
    )
  }

  async destroy(id) {
    await sql`delete from oidc where type = ${this.type} and id = ${id}`
  }

  async revokeByGrantId(grantId) {
    await sql`delete from oidc where grant_id = ${grantId}`
  }

  async consume(id) {
    await sql`update oidc set consumed = true where type = ${this.type} and id = ${id}`
  }
}

async function setUp() {
  if (sql) {
    await sql`
      create table oidc (type text not null, id text not null, payload jsonb not null, grant_id text, user_code text,
        uid text, consumed boolean not null default false, expires_at timestamptz, primary key (type, id))`
    await sql`create index on oidc (grant_id)`
    await sql`create index on oidc (user_code) where user_code is not null`
    await sql`create index on oidc (uid) where uid is not null`
  }
  console.log(JSON.stringify(client))
}

const privateJwk = (type, options) => generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' })

/** The client is a first party: consent is implied. */
async function loadExistingGrant({ oidc }) {
  const id = oidc.result?.consent?.grantId || oidc.session.grantIdFor(oidc.client.clientId)
  if (id) return oidc.provider.Grant.find(id)
  const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId })
  grant.addOIDCScope('openid offline_access read')
  await grant.save()
  return grant
}

const createProvider = () =>
  new Provider(`http://127.0.0.1:${PORT}`, {
    adapter: isInMemory ? undefined : PostgresAdapter,
    clients: [
      {
        ...client,
        redirect_uris: ['https://client.bench.local/cb'],
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials', DEVICE_GRANT],
        response_types: ['code'],
        id_token_signed_response_alg: 'ES256',
        scope: 'openid offline_access read',
      },
    ],
    scopes: ['openid', 'offline_access', 'read'],
    jwks: {
      keys: [
        { ...privateJwk('ec', { namedCurve: 'P-256' }), alg: 'ES256', use: 'sig', kid: 'k1' },
        { ...privateJwk('rsa', { modulusLength: 2048 }), alg: 'RS256', use: 'sig', kid: 'k2' },
      ],
    },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    issueRefreshToken: async (_context, _client, code) => code.scopes.has('read'),
    rotateRefreshToken: true,
    conformIdTokenClaims: false,
    findAccount: async (_context, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
    ttl: {
      AccessToken: 3600,
      ClientCredentials: 3600,
      RefreshToken: 86_400,
      Session: 86_400,
      Grant: 86_400,
      Interaction: 3600,
      IdToken: 3600,
      DeviceCode: 1800,
      AuthorizationCode: 60,
    },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    loadExistingGrant,
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      deviceFlow: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        getResourceServerInfo: () => ({ scope: 'read', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }),
      },
    },
  })

if (SETUP) {
  await setUp()
  process.exit(0)
}
const provider = createProvider()
provider.use(async (context, next) => {
  if (!context.path.startsWith('/interaction/')) return next()
  const login = { accountId: `user-${randomBytes(6).toString('hex')}` }
  await provider.interactionFinished(context.req, context.res, { login }, { mergeWithLastSubmission: true })
  context.respond = false
})
provider.listen(Number(PORT), '127.0.0.1').keepAliveTimeout = 120_000
