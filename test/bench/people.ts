import { randomBytes, randomInt } from 'node:crypto'
import type { DeliveryStub } from './delivery-stub.ts'

export type SignedInPerson = { email: string; accessToken: string; refreshToken: string; cookie: string }

/** The header that the measured gateway reads the caller's address from. */
export const ADDRESS_HEADER = 'x-real-ip'

/** An address of a caller that no limit has seen before. */
export function newCaller(): Record<string, string> {
  return { [ADDRESS_HEADER]: `10.${randomInt(256)}.${randomInt(256)}.${randomInt(1, 255)}` }
}

export const newAddress = () => `${randomBytes(9).toString('hex')}@bench.example`

export const json = { 'content-type': 'application/json' }
export const form = { 'content-type': 'application/x-www-form-urlencoded' }

async function post(url: string, body: object): Promise<Response> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...json, ...newCaller() },
    body: JSON.stringify(body),
  })
  if (response.ok) return response
  throw new Error(`${response.status} from ${url}: ${await response.text()}`)
}

/** Signs a new person in with a code, as a browser does. */
export async function signIn(gatewayUrl: string, { codes }: DeliveryStub): Promise<SignedInPerson> {
  const email = newAddress()
  await post(`${gatewayUrl}/v1/auth/otp/send`, { email })
  const response = await post(`${gatewayUrl}/v1/auth/otp/verify`, { email, token: codes.get(email), platform: 'web' })
  const { access_token, refresh_token } = (await response.json()) as { access_token: string; refresh_token: string }
  const session = response.headers.getSetCookie().find((one) => one.startsWith('lanonasis_session='))
  return { email, accessToken: access_token, refreshToken: refresh_token, cookie: session?.split(';', 1)[0] ?? '' }
}

/** Signs several new people in. */
export async function signInPeople(
  gatewayUrl: string,
  delivery: DeliveryStub,
  count: number,
): Promise<SignedInPerson[]> {
  const people: SignedInPerson[] = []
  let started = 0
  const worker = async () => {
    while (started++ < count) people.push(await signIn(gatewayUrl, delivery))
  }
  await Promise.all(Array.from({ length: 4 }, worker))
  return people
}
