import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { type Context, Hono } from 'hono'
import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import { parseEmail } from '../../shared/typed/email.ts'

export type SupabaseUser = {
  id: string
  email: string
  password: string
  email_confirmed_at?: string
  user_metadata: Record<string, unknown>
  app_metadata: { provider: string; providers: string[] }
  /** Assurance level of its sessions. */
  aal?: 'aal1' | 'aal2'
}

type NewUser = {
  email: string
  password: string
  confirmed?: boolean
  metadata?: Record<string, unknown>
  provider?: string
  id?: string
}

/** A link that Supabase Auth would send by mail. */
export type SentLink = { to: string; type: 'signup' | 'recovery'; tokenHash: string; redirectTo?: string }

export type SupabaseAuthOptions = {
  /** Public base URL, before `/auth/v1`. */
  url: () => string
  /** The project's publishable key, which every call must send as `apikey`. */
  publishableKey: string
  send?: (link: SentLink) => void | Promise<void>
  /** Confirms every address automatically. */
  autoconfirm?: boolean
}

const problem = (c: Context, status: 400 | 401 | 403 | 422 | 429, error_code: string, msg: string) =>
  c.json({ code: status, error_code, msg }, status)

const TOO_SHORT = 'Password should be at least 8 characters.'
const bodyOf = (c: Context) => c.req.json().catch(() => ({}))

const credentials = z.object({
  email: z.string().refine((given) => parseEmail(given) !== undefined),
  password: z.string().min(1),
})

/**
 * Implements Supabase Auth over HTTP as far as the gateway calls it: passwords, sign-up, recovery, users and keys, with its answers, error
 * codes and checks. For local development and tests; users are kept in memory.
 */
export async function createSupabaseAuth({ url, publishableKey, send, autoconfirm = false }: SupabaseAuthOptions) {
  const users = new Map<string, SupabaseUser>()
  const sessions = new Map<string, string>()
  const refreshTokens = new Map<string, { userId: string; sessionId: string }>()
  const links = new Map<string, { userId: string; type: SentLink['type'] }>()
  let pair = await newPair()

  async function newPair() {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
    return { kid: randomUUID(), privateKey, publicKey, jwk: await exportJWK(publicKey) }
  }
  const find = (email: string) => [...users.values()].find((one) => one.email === email.toLowerCase())
  const publicUser = ({ password, ...user }: SupabaseUser) => ({
    ...user,
    aud: 'authenticated',
    role: 'authenticated',
    phone: '',
    identities: [{ id: user.id, identity_id: randomUUID(), user_id: user.id, provider: user.app_metadata.provider }],
    created_at: '2025-01-01T00:00:00Z',
  })

  const accessToken = (user: SupabaseUser, sessionId: string) =>
    new SignJWT({
      email: user.email,
      phone: '',
      role: 'authenticated',
      aal: user.aal ?? 'aal1',
      session_id: sessionId,
      is_anonymous: false,
      amr: [{ method: 'password', timestamp: Math.floor(Date.now() / 1000) }],
      app_metadata: user.app_metadata,
      user_metadata: user.user_metadata,
    })
      .setProtectedHeader({ alg: 'ES256', kid: pair.kid, typ: 'JWT' })
      .setSubject(user.id)
      .setIssuer(`${url()}/auth/v1`)
      .setAudience('authenticated')
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(pair.privateKey)

  async function session(user: SupabaseUser) {
    const sessionId = randomUUID()
    sessions.set(sessionId, user.id)
    const refresh_token = randomBytes(9).toString('base64url')
    refreshTokens.set(refresh_token, { userId: user.id, sessionId })
    const access_token = await accessToken(user, sessionId)
    const expires_at = Math.floor(Date.now() / 1000) + 3600
    return { access_token, token_type: 'bearer', expires_in: 3600, expires_at, refresh_token, user: publicUser(user) }
  }

  async function mail(user: SupabaseUser, type: SentLink['type'], redirectTo: string | undefined): Promise<void> {
    const tokenHash = createHash('sha256').update(randomBytes(16)).digest('hex')
    links.set(tokenHash, { userId: user.id, type })
    await send?.({ to: user.email, type, tokenHash, redirectTo })
  }

  async function bearer(c: Context): Promise<{ user: SupabaseUser; sessionId: string } | undefined> {
    const token = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1] ?? ''
    try {
      const { payload } = await jwtVerify(token, pair.publicKey, { issuer: `${url()}/auth/v1` })
      const user = users.get(payload.sub ?? '')
      const sessionId = String(payload.session_id)
      return user && sessions.get(sessionId) === user.id ? { user, sessionId } : undefined
    } catch {
      return undefined
    }
  }

  const app = new Hono().basePath('/auth/v1')
  app.get('/.well-known/jwks.json', (c) =>
    c.json({ keys: [{ ...pair.jwk, kid: pair.kid, alg: 'ES256', use: 'sig', key_ops: ['verify'] }] }),
  )
  app.get('/health', (c) => c.json({ name: 'GoTrue', version: 'v2.180.0' }))
  app.use(async (c, next) => {
    if (c.req.header('apikey') === publishableKey) return next()
    return c.json({ message: 'Invalid API key' }, 401)
  })

  app.get('/settings', (c) =>
    c.json({ external: { email: true }, disable_signup: false, mailer_autoconfirm: autoconfirm }),
  )
  app.post('/token', async (c) => {
    const body = await bodyOf(c)
    if (c.req.query('grant_type') === 'refresh_token') {
      const known = refreshTokens.get(String(body.refresh_token))
      const user = known && users.get(known.userId)
      if (!user) return problem(c, 400, 'refresh_token_not_found', 'Invalid Refresh Token: Refresh Token Not Found')
      refreshTokens.delete(String(body.refresh_token))
      return c.json(await session(user))
    }
    if (c.req.query('grant_type') !== 'password') return problem(c, 400, 'invalid_grant', 'unsupported_grant_type')
    const parsed = credentials.safeParse(body)
    if (!parsed.success) return problem(c, 400, 'validation_failed', 'missing email or phone')
    const user = find(parsed.data.email)
    if (!user || user.password !== parsed.data.password)
      return problem(c, 400, 'invalid_credentials', 'Invalid login credentials')
    if (!user.email_confirmed_at) return problem(c, 400, 'email_not_confirmed', 'Email not confirmed')
    return c.json(await session(user))
  })

  app.post('/signup', async (c) => {
    const body = await bodyOf(c)
    const parsed = credentials.extend({ data: z.record(z.string(), z.unknown()).optional() }).safeParse(body)
    if (!parsed.success) return problem(c, 422, 'validation_failed', 'Signup requires a valid password')
    const { email, password, data = {} } = parsed.data
    if (password.length < 8) return problem(c, 422, 'weak_password', TOO_SHORT)
    const known = find(email)
    // With confirmation on, an existing user gets the same answer as a new one, and no mail.
    if (known?.email_confirmed_at) return c.json({ ...publicUser({ ...known, id: randomUUID() }), identities: [] })
    const user = known ?? add({ email, password, confirmed: autoconfirm, metadata: data })
    if (autoconfirm) return c.json(await session(user))
    await mail(user, 'signup', c.req.query('redirect_to'))
    return c.json({ ...publicUser(user), confirmation_sent_at: new Date().toISOString() })
  })

  app.post('/recover', async (c) => {
    const body = await bodyOf(c)
    const user = find(String(body.email))
    if (user) await mail(user, 'recovery', c.req.query('redirect_to'))
    return c.json({})
  })

  app.post('/verify', async (c) => {
    const body = await bodyOf(c)
    const link = links.get(String(body.token_hash))
    const user = link && users.get(link.userId)
    const type = body.type === 'email' ? 'signup' : body.type
    if (!user || link.type !== type) return problem(c, 403, 'otp_expired', 'Email link is invalid or has expired')
    links.delete(String(body.token_hash))
    user.email_confirmed_at ??= new Date().toISOString()
    return c.json(await session(user))
  })

  app.get('/user', async (c) => {
    const signedIn = await bearer(c)
    return signedIn ? c.json(publicUser(signedIn.user)) : problem(c, 403, 'bad_jwt', 'invalid JWT')
  })
  app.put('/user', async (c) => {
    const signedIn = await bearer(c)
    if (!signedIn) return problem(c, 403, 'bad_jwt', 'invalid JWT')
    const { password } = await c.req.json()
    if (typeof password === 'string') {
      if (password.length < 8) return problem(c, 422, 'weak_password', TOO_SHORT)
      if (password === signedIn.user.password)
        return problem(c, 422, 'same_password', 'New password should be different from the old password.')
      signedIn.user.password = password
    }
    return c.json(publicUser(signedIn.user))
  })
  app.post('/logout', async (c) => {
    const signedIn = await bearer(c)
    if (signedIn) sessions.delete(signedIn.sessionId)
    return c.body(null, 204)
  })

  function add({ email, password, confirmed = true, metadata = {}, provider = 'email', id = randomUUID() }: NewUser) {
    const user: SupabaseUser = {
      ...{ id, email: email.toLowerCase(), password },
      email_confirmed_at: confirmed ? new Date().toISOString() : undefined,
      user_metadata: metadata,
      app_metadata: { provider, providers: [provider] },
    }
    users.set(id, user)
    return user
  }

  return {
    app,
    add,
    users,
    session,
    endSession: (sessionId: string) => sessions.delete(sessionId),
    rotateKeys: async () => {
      pair = await newPair()
    },
  }
}

/** The users of local development. */
export const DEMO_USERS = [
  { email: 'ada@lanonasis.test', password: 'correct horse battery', metadata: { full_name: 'Ada Lovelace' } },
  { email: 'grace@lanonasis.test', password: 'staple of compilers', metadata: { full_name: 'Grace Hopper' } },
]
