import { describe, expect, it } from 'vitest'
import { renderOtpEmail } from '../../supabase/functions/_shared/templates/otp-email.ts'

const content = { code: '482913', origin: 'auth.lanonasis.com', expiresIn: 600 }

it('the same content gives the same mail, so that a retry is recognised', () => {
  expect(renderOtpEmail(content)).toEqual(renderOtpEmail({ ...content }))
})

it('the code is in neither the subject nor the preview that lock screens show', () => {
  const { subject, html } = renderOtpEmail(content)
  const preview = /<div style="display:none[^>]*>([^<]*)<\/div>/.exec(html)?.[1] ?? ''
  expect(preview).toContain('auth.lanonasis.com')
  expect(preview.length).toBeGreaterThan(200)
  expect(subject + preview).not.toContain('482913')
  expect(html).toMatch(/>482913</)
})

it('the mail says its language, title and colour schemes, and loads nothing', () => {
  const { html } = renderOtpEmail(content)
  expect(html).toContain('<html lang="en" dir="ltr">')
  expect(html).toContain('<title>Your sign-in code</title>')
  expect(html).toContain('<meta name="color-scheme" content="light dark">')
  expect(html).toContain('prefers-color-scheme:dark')
  expect(html).not.toMatch(/<img|<script|<link|href=|url\(/)
})

it.each([
  [60, '1 minute'],
  [119, '1 minute'],
  [300, '5 minutes'],
  [659, '10 minutes'],
])('%i seconds are promised as %s', (expiresIn, promised) => {
  expect(renderOtpEmail({ ...content, expiresIn }).text).toContain(`It works once, for ${promised}.`)
})

it.each([undefined, 'en-GB', 'xx', '', '__proto__', 'constructor'])('locale %s gets English', (locale) => {
  expect(renderOtpEmail({ ...content, locale }).html).toContain('lang="en"')
})

it.each([
  ['de-CH', 'de', 'Ihr Anmeldecode für LanOnasis'],
  ['fr', 'fr', 'Votre code de connexion LanOnasis'],
  ['es_MX', 'es', 'Su código de acceso a LanOnasis'],
  ['PT-br', 'pt', 'O seu código de acesso LanOnasis'],
])('locale %s gets %s, with every place filled', (locale, lang, subject) => {
  const mail = renderOtpEmail({ ...content, locale, clientName: 'Cursor' })
  expect(mail.subject).toBe(subject)
  expect(mail.html).toContain(`<html lang="${lang}" dir="ltr">`)
  expect(Object.values(mail).join('')).not.toMatch(/\{\w+\}/)
})

describe('the brand', () => {
  it('is that of the product: name, initial and colour, with letters that can be read on it', () => {
    const dark = renderOtpEmail({ ...content, brand: { name: 'v-secure', colour: '#1A2B3C' } })
    expect(dark.subject).toBe('Your v-secure sign-in code')
    expect(dark.html).toContain('background:#1a2b3c;border-radius:9px;color:#ffffff')
    expect(dark.text).toContain('No one from v-secure')
    const light = renderOtpEmail({ ...content, brand: { name: 'v-secure', colour: '#ffe14a' } })
    expect(light.html).toContain('background:#ffe14a;border-radius:9px;color:#14211e')
  })

  it.each([
    { name: 'evil.example', colour: '#000000' },
    { name: '<b>x</b>' },
    { colour: '#ffffff' },
    { name: '{code}' },
  ])('%j is the house’s', (brand) => {
    expect(renderOtpEmail({ ...content, brand })).toEqual(renderOtpEmail(content))
  })

  it('keeps its name and no invalid colour', () => {
    const { html } = renderOtpEmail({ ...content, brand: { name: 'v-secure', colour: 'red;background:url(x)' } })
    expect(html).toContain('v-secure')
    expect(html).not.toContain('url(')
  })
})

describe('the name of the application', () => {
  it.each(['Cursor', 'LanOnasis CLI', "Ada's Notes (beta) & more", 'Café Zürich', 'メモ帳'])(
    '%s is shown',
    (clientName) => {
      const { text, html } = renderOtpEmail({ ...content, clientName })
      expect(text).toContain(`to continue to ${clientName}.`)
      const escaped = clientName.replaceAll('&', '&#38;').replaceAll("'", '&#39;')
      expect(html).toContain(`<bdi>${escaped}</bdi>`)
    },
  )

  it.each([
    'https://evil.example',
    'evil.example',
    'www.evil.com now',
    'call +1 800 555 0199',
    '10.0.0.1',
    'me@evil.example',
    '<script>alert(1)</script>',
    'Bank\nUrgent: visit us',
    'safe\u202Elive',
    'A name that goes on for so long that it reads like a whole sentence',
    ' ',
  ])('%j is left out', (clientName) => {
    expect(renderOtpEmail({ ...content, clientName })).toEqual(renderOtpEmail(content))
  })
})
