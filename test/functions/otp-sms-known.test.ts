import { expect, test } from 'vitest'
import { randomIp, useGateway } from '../support/gateway.ts'
import { openLimits } from '../support/rows.ts'
import { postJson } from '../support/sign-in.ts'

const LIMITS = 'sms-unentered-known-net=3/1d,sms-unentered-known-block=2/1d'

const gateway = useGateway({ env: { SMS_COUNTRIES: 'CH', LIMITS } })

/** The status of a request for a code, with no other limit full. */
async function ask(phone: string, ip: string, cookie?: string): Promise<number> {
  await openLimits(gateway)
  const headers = { 'x-real-ip': ip, ...(cookie && { cookie }) }
  return (await postJson(gateway, '/v1/auth/otp/send', { phone }, headers)).status
}

/** The cookie by which a browser is known to the owner of a number. */
async function owner(phone: string): Promise<string> {
  expect(await ask(phone, randomIp())).toBe(200)
  const token = gateway.inbox.codeFor(phone)
  const { status, headers } = await postJson(gateway, '/v1/auth/otp/verify', { phone, token, platform: 'web' })
  expect(status).toBe(200)
  return /lanonasis_known=[^;]+/.exec(headers.getSetCookie().join())?.[0] ?? ''
}

test('429 for known browsers of one network or block of numbers that never enter their codes; others still get one', async () => {
  const home = '198.51.100.7'
  const block = ['+41781112001', '+41781112002', '+41781112003']
  const cookies = []
  for (const phone of block) cookies.push(await owner(phone))
  const answers = []
  for (const [n, phone] of block.entries()) answers.push(await ask(phone, home, cookies[n]))
  expect(answers).toEqual([200, 200, 429])
  const [far, farther] = ['+41791112001', '+41791113001']
  const [known, knownToo] = [await owner(far), await owner(farther)]
  expect(await ask(far, home, known)).toBe(200)
  expect(await ask(farther, home, knownToo)).toBe(429)
  expect(await ask(farther, '203.0.113.9', knownToo)).toBe(200)
})
