import { describe, expect, it } from 'vitest'
import { segments, toGsm } from '../../supabase/functions/_shared/templates/gsm.ts'
import { renderOtpSms } from '../../supabase/functions/_shared/templates/otp-sms.ts'

const content = { code: '482913', origin: 'auth.lanonasis.com', expiresIn: 600 }

it.each([
  ['en', '482913 is your LanOnasis code, valid for 10 minutes. Never share it.'],
  ['de', '482913 ist Ihr Code für LanOnasis, 10 Minuten gültig. Nie weitergeben.'],
  ['fr', '482913 est votre code LanOnasis, valable 10 minutes. Ne le communiquez jamais.'],
  ['es', '482913 es su codigo de LanOnasis, valido 10 minutos. No lo comparta nunca.'],
  ['pt', '482913 é o seu codigo LanOnasis, valido por 10 minutos. Nunca o partilhe.'],
])('in %s it is one segment and ends in the line that binds the code to the origin', (locale, sentence) => {
  const text = renderOtpSms({ ...content, locale })
  expect(text).toBe(`${sentence}\n\n@auth.lanonasis.com #482913`)
  expect(segments(text)).toBe(1)
})

it('the port of an origin is no part of the line', () => {
  expect(renderOtpSms({ ...content, origin: 'localhost:4000' })).toMatch(/\n\n@localhost #482913$/)
})

describe('the brand', () => {
  it('is the product’s', () => {
    expect(renderOtpSms({ ...content, brand: { name: 'v-secure' } })).toContain('is your v-secure code')
  })

  it.each(['メモ帳', 'evil.example', 'Call 0800 123 456', 'Line\nbreak'])('%j becomes the house’s', (name) => {
    const text = renderOtpSms({ ...content, brand: { name } })
    expect(text).toContain('LanOnasis')
    expect(segments(text)).toBe(1)
  })

  it('gives way to one segment, and the last line never does', () => {
    const origin = `${'a'.repeat(60)}.${'b'.repeat(50)}.example`
    const text = renderOtpSms({ ...content, origin, brand: { name: 'A product whose name is rather long already' } })
    expect(text).toBe(`482913\n\n@${origin} #482913`)
    expect(segments(text)).toBe(1)
  })
})

describe('segments', () => {
  it.each([
    ['a'.repeat(160), 1],
    ['a'.repeat(161), 2],
    ['€'.repeat(80), 1],
    ['€'.repeat(81), 2],
    ['ó'.repeat(70), 1],
    ['ó'.repeat(71), 2],
    ['😀'.repeat(35), 1],
    ['😀'.repeat(36), 2],
  ])('%s is %i', (text, count) => expect(segments(text)).toBe(count))

  it('characters outside the alphabet are replaced by similar ones', () => {
    expect(toGsm('códigó “ç” à Ł’…')).toBe('codigo "c" à Ł\'...')
  })
})
