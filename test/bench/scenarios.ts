import { createHash, randomBytes } from 'node:crypto'
import type { DeliveryStub } from './delivery-stub.ts'
import type { Scenario } from './measure.ts'
import { form, json, newAddress, newCaller, type SignedInPerson } from './people.ts'

const CLIENT = 'lanonasis-api-dashboard'
const REDIRECT = 'https://dashboard.lanonasis.com/auth/callback'

const urlEncoded = (fields: Record<string, string>) => new URLSearchParams(fields).toString()

/** Goes round the people, so that no limit per person is reached. */
function inTurn<T>(items: T[]): () => T {
  let next = 0
  return () => items[next++ % items.length] as T
}

export function readScenarios(people: SignedInPerson[]): Scenario[] {
  const person = inTurn(people)
  return [
    {
      name: 'verify (Bearer)',
      expect: 200,
      next: () => ({
        method: 'GET',
        path: '/v1/auth/verify',
        headers: { authorization: `Bearer ${person().accessToken}` },
      }),
    },
    {
      name: 'resolve (cookie)',
      expect: 200,
      next: () => ({ method: 'GET', path: '/v1/auth/resolve', headers: { cookie: person().cookie } }),
    },
    {
      name: 'introspect',
      expect: 200,
      next: () => ({
        method: 'POST',
        path: '/oauth/introspect',
        headers: form,
        body: urlEncoded({ token: person().accessToken }),
      }),
    },
  ]
}

/** Rotates each person's refresh token again and again. */
export function refreshScenario(people: SignedInPerson[]): Scenario {
  const tokens = people.map((person) => person.refreshToken)
  return {
    name: 'refresh',
    expect: 200,
    next: () => ({
      method: 'POST',
      path: '/oauth/token',
      headers: form,
      body: urlEncoded({ grant_type: 'refresh_token', client_id: CLIENT, refresh_token: tokens.shift() ?? '' }),
      onAnswer: (status, body) => {
        if (status === 200) tokens.push(JSON.parse(body).refresh_token)
      },
    }),
  }
}

/** An authorization request that a live session answers at once, then the exchange of the codes it gave. */
export function authorizeScenarios(people: SignedInPerson[]): [authorize: Scenario, token: Scenario] {
  const person = inTurn(people)
  const verifier = randomBytes(32).toString('base64url')
  const query = urlEncoded({
    response_type: 'code',
    client_id: CLIENT,
    redirect_uri: REDIRECT,
    scope: 'openid profile',
    state: 'bench',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const codes: string[] = []
  return [
    {
      name: 'authorize',
      expect: 302,
      next: () => ({
        method: 'GET',
        path: `/oauth/authorize?${query}`,
        headers: { cookie: person().cookie },
        onAnswer: (_status, _body, headers) => {
          const code = /\r\nlocation: [^\r]*[?&]code=([^&\r]+)/i.exec(headers)?.[1]
          if (code) codes.push(code)
        },
      }),
    },
    {
      name: 'token (code, PKCE)',
      expect: 200,
      amount: () => codes.length,
      next: () => ({
        method: 'POST',
        path: '/oauth/token',
        headers: form,
        body: urlEncoded({
          grant_type: 'authorization_code',
          client_id: CLIENT,
          redirect_uri: REDIRECT,
          code_verifier: verifier,
          code: codes.shift() ?? '',
        }),
      }),
    },
  ]
}

/** Codes to new addresses, then the first sign-in of each. */
export function otpScenarios({ codes }: DeliveryStub): [send: Scenario, verify: Scenario] {
  const sent: string[] = []
  const post = (path: string, body: object) => ({
    method: 'POST',
    path,
    headers: { ...json, ...newCaller() },
    body: JSON.stringify(body),
  })
  return [
    {
      name: 'OTP send',
      expect: 200,
      next: () => {
        const email = newAddress()
        return {
          ...post('/v1/auth/otp/send', { email }),
          onAnswer: (status) => {
            if (status === 200) sent.push(email)
          },
        }
      },
    },
    {
      name: 'OTP verify (new)',
      expect: 200,
      amount: () => sent.length,
      next: () => {
        const email = sent.shift() ?? ''
        return post('/v1/auth/otp/verify', { email, token: codes.get(email), platform: 'cli' })
      },
    },
  ]
}

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
const DEVICE_CLIENT = 'lanonasis-mcp-cli'
const DEVICES = 2000

type PendingDevice = { deviceCode: string; userCode: string; person: SignedInPerson; csrf?: string }

/** Devices that start, wait for their person and are approved on the page; each waits for another code. */
export function deviceScenarios(
  gatewayUrl: string,
  people: SignedInPerson[],
): [start: Scenario, rest: () => Promise<Scenario[]>] {
  const person = inTurn(people)
  const started: PendingDevice[] = []
  const start: Scenario = {
    name: 'device start',
    expect: 200,
    next: () => ({
      method: 'POST',
      path: '/oauth/device',
      headers: { ...form, ...newCaller() },
      body: urlEncoded({ client_id: DEVICE_CLIENT }),
      onAnswer: (status, body) => {
        if (status !== 200) return
        const { device_code: deviceCode, user_code: userCode } = JSON.parse(body)
        started.push({ deviceCode, userCode, person: person() })
      },
    }),
  }
  const openPage = async (device: PendingDevice) => {
    const headers = { cookie: device.person.cookie, ...newCaller() }
    const page = await (await fetch(`${gatewayUrl}/oauth/device?code=${device.userCode}`, { headers })).text()
    device.csrf = page.match(/name="csrf" value="([^"]+)"/)?.[1]
  }
  const rest = async (): Promise<Scenario[]> => {
    const polled = started.splice(0)
    const approved = polled.slice(0, DEVICES)
    const toOpen = [...approved]
    const worker = async () => {
      for (let device = toOpen.pop(); device; device = toOpen.pop()) await openPage(device)
    }
    await Promise.all(Array.from({ length: 4 }, worker))
    const toApprove = [...approved]
    const toPoll = [...polled]
    return [
      {
        name: 'device poll',
        expect: 400,
        amount: () => polled.length,
        next: () => ({
          method: 'POST',
          path: '/oauth/token',
          headers: form,
          body: urlEncoded({
            grant_type: DEVICE_GRANT,
            client_id: DEVICE_CLIENT,
            device_code: toPoll.pop()?.deviceCode ?? '',
          }),
        }),
      },
      {
        name: 'device approval',
        expect: 200,
        amount: () => approved.length,
        next: () => {
          const device = toApprove.pop()
          return {
            method: 'POST',
            path: '/oauth/device/decision',
            headers: { ...form, ...newCaller(), origin: gatewayUrl, cookie: device?.person.cookie ?? '' },
            body: urlEncoded({ user_code: device?.userCode ?? '', csrf: device?.csrf ?? '', decision: 'approve' }),
          }
        },
      },
    ]
  }
  return [start, rest]
}
