import { describe, expect, test } from 'vitest'
import { answeredFor, profileOf } from '../../shared/people/profile.ts'

describe('what another provider says of an account', () => {
  test.each([
    [{ sub: 'x', email: 'ada@example.com', email_verified: true }, 'ada@example.com', true],
    [{ sub: 'x', email: 'ada@example.com', email_verified: 'true' }, 'ada@example.com', true],
    [{ sub: 'x', email: 'ada@example.com', email_verified: 'false' }, 'ada@example.com', false],
    [{ sub: 'x', email: 'ada@example.com', verified: true }, 'ada@example.com', true],
    [{ sub: 'x', email: 'ada@example.com' }, 'ada@example.com', false],
    [{ sub: 'x', email: 'Ada <ada@example.com>', email_verified: true }, undefined, true],
  ])('%j', (claims, email, emailVerified) => {
    expect(profileOf(claims)).toMatchObject({ externalId: 'x', emailVerified })
    expect(profileOf(claims)?.email).toBe(email)
  })

  test('undefined without a subject, and the number of an account as its text', () => {
    expect(profileOf({ email: 'ada@example.com' })).toBeUndefined()
    expect(profileOf({ sub: '' })).toBeUndefined()
    expect(profileOf({ id: 42 }, 'id')?.externalId).toBe('42')
    for (const id of ['x'.repeat(501), 2 ** 53, 1.5, {}, ['x'], true]) expect(profileOf({ id }, 'id')).toBeUndefined()
  })

  test.each([
    'a@b',
    'a b@example.com',
    'a@example.com\r\nBcc: x@example.com',
    '<a@example.com>',
    '"a"@example.com',
    `${'a'.repeat(250)}@example.com`,
    7,
    null,
  ])('no address: %j', (email) => expect(profileOf({ sub: 'x', email })?.email).toBeUndefined())

  test('Google answers for its own addresses and those of organizations that it hosts, for no others', () => {
    const issuer = 'https://accounts.google.com'
    const profile = (email: string) => ({ externalId: 'x', email, emailVerified: true })
    const verified = (email: string, hd?: string, by = issuer) => answeredFor(by, profile(email), hd).emailVerified
    expect(verified('ada@gmail.com')).toBe(true)
    expect(verified('ada@acme.example', 'acme.example')).toBe(true)
    expect(verified('ada@acme.example')).toBe(false)
    expect(verified('ada@notgmail.com')).toBe(false)
    expect(verified('ada@acme.example', undefined, 'https://login.acme.example')).toBe(true)
  })
})
