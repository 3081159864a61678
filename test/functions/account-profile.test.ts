import { expect, test } from 'vitest'
import { eventsOf, useGateway } from '../support/gateway.ts'
import { getTokens, NATIVE, signIn } from '../support/sign-in.ts'

const gateway = useGateway()

test('a person sets and removes their name, and sets their language; applications see both', async () => {
  const ada = await signIn(gateway)
  const { access_token } = await getTokens(gateway, ada, { ...NATIVE, scope: 'openid profile' })
  const claims = async () => {
    const response = await fetch(`${gateway.url}/oauth/userinfo`, {
      headers: { authorization: `Bearer ${access_token}` },
    })
    const { name, locale } = await response.json()
    return { name, locale }
  }
  const save = async (profile: { name: string; locale: string }) =>
    (await ada.browser.submit(await ada.browser.visit('/account'), profile, '/account/profile')).url

  expect(await save({ name: ' Ada  Lovelace\n', locale: 'fr' })).toContain('done=saved')
  expect(await claims()).toEqual({ name: 'Ada Lovelace', locale: 'fr' })
  const before = (await eventsOf(gateway, 'identity', ada.uai)).length
  await save({ name: 'Ada Lovelace', locale: 'fr' })
  expect(await eventsOf(gateway, 'identity', ada.uai)).toHaveLength(before)
  await save({ name: '', locale: 'fr' })
  expect(await claims()).toEqual({ name: undefined, locale: 'fr' })
})

test('pages are in the language that a person saved, at once', async () => {
  const { browser } = await signIn(gateway)
  await browser.submit(await browser.visit('/account'), { name: '', locale: 'es' }, '/account/profile')
  expect((await browser.visit('/account/recovery-codes')).html).toContain('<html lang="es">')
})
