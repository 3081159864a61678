import * as oidc from 'openid-client'
import { beforeAll, expect, test } from 'vitest'
import { useGateway } from '../support/gateway.ts'
import { type SignedInBrowser, signIn } from '../support/sign-in.ts'

const gateway = useGateway()
let person: SignedInBrowser
beforeAll(async () => {
  person = await signIn(gateway)
})

const discover = (...options: (typeof oidc.allowInsecureRequests)[]) =>
  oidc.discovery(new URL(gateway.url), 'lanonasis-mcp-cli', undefined, oidc.None(), {
    execute: [oidc.allowInsecureRequests, ...options],
  })

test('openid-client signs a device in, and refreshes', async () => {
  const config = await discover()
  const device = await oidc.initiateDeviceAuthorization(config, { scope: 'memories:read' })
  const page = await person.browser.visit(device.verification_uri_complete ?? '')
  const polling = oidc.pollDeviceAuthorizationGrant(config, { ...device, interval: 1 })
  await person.browser.submit(page, { decision: 'approve' }, '/oauth/device/decision')
  const tokens = await polling
  expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'memories:read' })
  const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
  expect(fresh.access_token).not.toBe(tokens.access_token)
}, 30_000)

test('openid-client gets a denial', async () => {
  const config = await discover()
  const device = await oidc.initiateDeviceAuthorization(config, {})
  const page = await person.browser.visit(device.verification_uri_complete ?? '')
  await person.browser.submit(page, { decision: 'deny' }, '/oauth/device/decision')
  await expect(oidc.pollDeviceAuthorizationGrant(config, { ...device, interval: 1 })).rejects.toMatchObject({
    error: 'access_denied',
  })
})

test('openid-client binds what a device gets to its key', async () => {
  const config = await discover()
  const keys = await oidc.randomDPoPKeyPair()
  const DPoP = oidc.getDPoPHandle(config, keys)
  const device = await oidc.initiateDeviceAuthorization(config, { scope: 'memories:read' })
  const page = await person.browser.visit(device.verification_uri_complete ?? '')
  await person.browser.submit(page, { decision: 'approve' }, '/oauth/device/decision')
  const tokens = await oidc.pollDeviceAuthorizationGrant(config, { ...device, interval: 1 }, undefined, { DPoP })
  expect(tokens.token_type).toBe('dpop')
})
