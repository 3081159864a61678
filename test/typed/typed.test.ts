import fc from 'fast-check'
import { parsePhoneNumberFromString } from 'libphonenumber-js/mobile'
import { describe, expect, test } from 'vitest'
import { countingMailbox, emailLookup, parseEmail, parseMailDomain, readTypedEmail } from '../../shared/typed/email.ts'
import { parseMobileNumber, readTypedNumber } from '../../shared/typed/phone.ts'
import { cleanText, readDigitCode, readLetterCode } from '../../shared/typed/text.ts'

const local = (length: number) => `${'a'.repeat(length)}@example.com`
const label = (length: number) => `a@${'b'.repeat(length)}.example`

describe('an e-mail address, as people type, paste and dictate it', () => {
  test.each([
    ['plain', 'ada@example.com', 'ada@example.com'],
    ['capitals, of which only those of the domain go', 'Ada@Example.COM', 'Ada@example.com'],
    ['blanks around it', '  ada@example.com\t\n', 'ada@example.com'],
    ['a non-breaking space', 'ada@example.com\u00a0', 'ada@example.com'],
    ['an ideographic space', '\u3000ada@example.com', 'ada@example.com'],
    ['a zero-width space inside', 'ada\u200b@exam\u200bple.com', 'ada@example.com'],
    ['a byte order mark', '\ufeffada@example.com', 'ada@example.com'],
    ['a soft hyphen', 'ada@exam\u00adple.com', 'ada@example.com'],
    ['marks of direction', '\u202aada@example.com\u202c', 'ada@example.com'],
    ['blanks around @ and dots, from dictation', 'ada @ example . com', 'ada@example.com'],
    [
      'full-width letters',
      '\uff41\uff44\uff41\uff20\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45\u3002com',
      'ada@example.com',
    ],
    ['full-width digits', 'ada\uff11\uff12@example.com', 'ada12@example.com'],
    ['Arabic digits', 'ada\u0661\u0662@example.com', 'ada12@example.com'],
    ['a full stop', 'ada@example.com.', 'ada@example.com'],
    ['a comma', 'ada@example.com, ', 'ada@example.com'],
    ['straight quotes', '"ada@example.com"', 'ada@example.com'],
    ['typographic quotes', '\u201cada@example.com\u201d', 'ada@example.com'],
    ['German quotes', '\u201eada@example.com\u201c', 'ada@example.com'],
    ['a full stop within the quotes', '\u201cada@example.com.\u201d', 'ada@example.com'],
    ['apostrophes around it', "'ada@example.com'", 'ada@example.com'],
    ['angle brackets', '<ada@example.com>', 'ada@example.com'],
    ['a name before it', '"Ada Lovelace" <ada@example.com>;', 'ada@example.com'],
    ['a mailto link', 'mailto:ada@example.com', 'ada@example.com'],
    ['a mailto link with more', 'MAILTO:r%26d@people.test?subject=Hello', 'r&d@people.test'],
    ['a mailto link with a stray percent', 'mailto:100%@example.com', '100%@example.com'],
    ['atext: &', 'r&d@people.test', 'r&d@people.test'],
    ['atext: an apostrophe', "o'brien@example.com", "o'brien@example.com"],
    ['atext: all of it', "!#$%&'*+/=?^_`{|}~-@example.com", "!#$%&'*+/=?^_`{|}~-@example.com"],
    ['dots in a row, as some Japanese addresses have them', 'ada..l.@example.jp', 'ada..l.@example.jp'],
    ['a sub-address', 'ada+news@example.com', 'ada+news@example.com'],
    ['a domain in its own letters', 'kim@b\u00fccher.example', 'kim@xn--bcher-kva.example'],
    ['the same with a combining mark', 'kim@bu\u0308cher.example', 'kim@xn--bcher-kva.example'],
    ['the same in A-labels', 'kim@XN--Bcher-KVA.example', 'kim@xn--bcher-kva.example'],
    ['a sharp s, which is a letter of its own', 'kim@fa\u00df.example', 'kim@xn--fa-hia.example'],
    ['64 octets before the @', local(64), local(64)],
    ['a label of 63', label(63), label(63)],
    ['65 octets before the @', local(65), undefined],
    ['a label of 64', label(64), undefined],
    [
      '255 octets in all',
      `ada@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.${'e'.repeat(60)}.example`,
      undefined,
    ],
    ['a blank within a word', 'john smith@example.com', undefined],
    ['two of them', 'ada@example.com, bob@example.com', undefined],
    ['two @', 'ada@bob@example.com', undefined],
    ['no domain', 'ada@', undefined],
    ['no @', 'ada.example.com', undefined],
    ['a name without a dot', 'ada@localhost', undefined],
    ['an IP address', 'ada@127.0.0.1', undefined],
    ['an IP literal', 'ada@[127.0.0.1]', undefined],
    ['a number that is an IP address', 'ada@0x7f.1', undefined],
    ['a port', 'ada@example.com:25', undefined],
    ['an underscore in the domain', 'ada@a_b.example', undefined],
    ['a hyphen at the end of a label', 'ada@a-.example', undefined],
    ['an A-label of nothing', 'ada@xn--a.example', undefined],
    ['a percent in the domain', 'ada@ex%61mple.com', undefined],
    ['letters before the @ that are not ASCII', 'm\u0131ke@example.com', undefined],
    ['a Kelvin sign before the @', 'mi\u212ae@example.com', undefined],
    ['a second header', 'ada@example.com\r\nBcc: bob@example.com', undefined],
    ['a quoted local part', '"a b"@example.com', undefined],
    ['markup', 'ada@example.com<script>', undefined],
    ['a number', 7, undefined],
    ['nothing', undefined, undefined],
  ])('%s', (_, typed, expected) => expect(readTypedEmail(typed)).toBe(expected))

  test('a parsed one is parsed to itself, and found by the same in any case', () => {
    const domain = fc.constantFrom('example.com', 'b\u00fccher.example', 'EXAMPLE.org', 'a.b-c.d\u00e9.test')
    const name = fc.stringMatching(/^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}$/)
    fc.assert(
      fc.property(name, domain, (before, after) => {
        const address = parseEmail(`${before}@${after}`) ?? ''
        expect(parseEmail(address)).toBe(address)
        expect(emailLookup(address)).toBe(emailLookup(parseEmail(address.toUpperCase()) ?? ''))
        expect(emailLookup(emailLookup(address))).toBe(emailLookup(address))
      }),
    )
  })

  test.each([
    ' ada@example.com',
    'a\u200bda@example.com',
    '\uff41da@example.com',
    'mailto:ada@example.com',
    '<ada@example.com>',
    'ada@example.com.',
    'ada @example.com',
  ])('what a provider says is taken as it is: %j is none', (stated) => expect(parseEmail(stated)).toBeUndefined())

  test.each([
    ['EXAMPLE.com', 'example.com'],
    ['b\u00fccher.example', 'xn--bcher-kva.example'],
    ['example', undefined],
    ['example.com/path', undefined],
    ['', undefined],
  ])('the domain %j', (given, expected) => expect(parseMailDomain(given)).toBe(expected))

  test.each([
    ['ada@example.com', 'ada@example.com'],
    ['ada+1@example.com', 'ada@example.com'],
    ['ada+1+2@example.com', 'ada@example.com'],
    ['+1@example.com', '+1@example.com'],
    ['a.d.a@example.com', 'a.d.a@example.com'],
    ['a.d.a+x@gmail.com', 'ada@gmail.com'],
    ['a.da@googlemail.com', 'ada@gmail.com'],
    ['+41791234567', '+41791234567'],
  ])('%s is counted as %s', (lookup, expected) => expect(countingMailbox(lookup)).toBe(expected))
})

describe('a phone number', () => {
  test.each([
    ['plain', '+41791234567'],
    ['blanks and hyphens', '+41 (79) 123-45-67'],
    ['a zero in brackets', '+41 (0)79 123 45 67'],
    ['the code in brackets', '(+41) 79 123 45 67'],
    ['two zeros', '0041 79 123 45 67'],
    ['of home', '079 123 45 67'],
    ['of home, as a number in JSON', 791234567],
    ['with its country code, as a number in JSON', 41791234567],
    ['dots and slashes', '079/123.45.67'],
    ['hyphens that do not break', '+41\u201179\u2011123\u201145\u201167'],
    ['dashes', '+41 79 \u2013 123 45 67'],
    ['full-width', '\uff0b\uff14\uff11\uff17\uff19\uff11\uff12\uff13\uff14\uff15\uff16\uff17'],
    ['Arabic digits', '+\u0664\u0661\u0667\u0669\u0661\u0662\u0663\u0664\u0665\u0666\u0667'],
    ['Devanagari digits', '+\u096a\u0967\u096d\u096f\u0967\u0968\u0969\u096a\u096b\u096c\u096d'],
    ['marks of direction, as a contact card pastes them', '\u202a+41\u00a079 123 45 67\u202c'],
    ['a link', 'tel:+41-79-123-45-67'],
    ['quotes', '"+41 79 123 45 67"'],
    ['a full stop', '+41 79 123 45 67.'],
  ])('%s', (_, typed) =>
    expect(parseMobileNumber(parsePhoneNumberFromString, readTypedNumber(typed) ?? '', 'CH')).toEqual({
      number: '+41791234567',
      country: 'CH',
    }),
  )

  test.each([
    'call +41791234567',
    '+41791234567;ext=5',
    '+41791234567 x5',
    '++41791234567',
    '1-800-FLOWERS',
    '',
    '+',
    -41791234567,
    4.5,
    1e21,
    null,
  ])('none: %j', (typed) =>
    expect(parseMobileNumber(parsePhoneNumberFromString, readTypedNumber(typed) ?? '', 'CH')).toBeUndefined(),
  )
})

describe('a code', () => {
  test.each([
    ['plain', '119917', '119917'],
    ['in two groups', '119 917', '119917'],
    ['with a hyphen', '119-917', '119917'],
    ['with a non-breaking space', '119\u00a0917', '119917'],
    ['with a zero-width space', '119\u200b917', '119917'],
    ['with dots', '119.917.', '119917'],
    ['digit by digit', '1, 1, 9, 9, 1, 7', '119917'],
    ['quotes', '\u201c119917\u201d', '119917'],
    ['full-width', '\uff11\uff11\uff19\uff19\uff11\uff17', '119917'],
    ['Arabic', '\u0661\u0661\u0669\u0669\u0661\u0667', '119917'],
    ['Persian', '\u06f1\u06f1\u06f9\u06f9\u06f1\u06f7', '119917'],
    ['bold, as a styled mail pastes it', '\u{1d7cf}\u{1d7cf}\u{1d7d7}\u{1d7d7}\u{1d7cf}\u{1d7d5}', '119917'],
    ['a number', 119917, '119917'],
    ['a number that lost its zeros', 42, '000042'],
    ['with its word', 'Code: 119917', '119917'],
    [
      'the whole message',
      '119917 is your LanOnasis code. It is good for 10 minutes.\n\n@auth.lanonasis.com #119917',
      '119917',
    ],
    ['two codes', '119917 or 223344', undefined],
    ['five digits', '11991', undefined],
    ['seven digits', '1199177', undefined],
    ['a number of seven digits', 1199177, undefined],
    ['a negative number', -19917, undefined],
    ['letters', 'abcdef', undefined],
    ['an O for a 0', '11991O', undefined],
    ['a word of letters and digits', 'x119917', undefined],
    ['a recovery code', 'BCDF-2345-67GH', undefined],
    ['nothing', '', undefined],
    ['no text', {}, undefined],
  ])('of six digits: %s', (_, typed, expected) => expect(readDigitCode(typed)).toBe(expected))

  const kind = { alphabet: 'BCDFGHJKLMNPQRSTVWXZ23456789', length: 8 }
  test.each([
    ['plain', 'BCDF-2345', 'BCDF2345'],
    ['small letters', 'bcdf2345', 'BCDF2345'],
    ['blanks everywhere', ' b c d f  2 3 4 5 ', 'BCDF2345'],
    ['a dash', 'BCDF\u20142345', 'BCDF2345'],
    ['a minus sign', 'BCDF\u22122345', 'BCDF2345'],
    ['full-width', '\uff22\uff23\uff24\uff26\uff0d\uff12\uff13\uff14\uff15', 'BCDF2345'],
    ['Arabic digits', 'BCDF\u0662\u0663\u0664\u0665', 'BCDF2345'],
    ['zero-width characters', 'BCDF\u200d\u20602345', 'BCDF2345'],
    ['quotes', '"BCDF-2345"', 'BCDF2345'],
    ['too short', 'BCDF-234', undefined],
    ['too long', 'BCDF-23456', undefined],
    ['a letter that no code has', 'BCDA-2345', undefined],
  ])('of letters and digits: %s', (_, typed, expected) => expect(readLetterCode(typed, kind)).toBe(expected))
})

test('a digit of any script has the value that Unicode gives it', () => {
  for (const zero of [0x30, 0x660, 0x6f0, 0x966, 0xff10, 0x1d7ce, 0x1d7d8, 0x1d7f6, 0x1e950])
    expect(cleanText(String.fromCodePoint(...Array.from({ length: 10 }, (_, n) => zero + n)))).toBe('0123456789')
})

test('text of any kind and length is read at once', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (text) => {
      for (const read of [readTypedEmail, readTypedNumber, readDigitCode, parseEmail])
        expect(() => read(text)).not.toThrow()
    }),
  )
  const started = performance.now()
  for (const one of ['1', ' ', '1 ', '.', '@', 'a@', '\u200b']) {
    const text = one.repeat(1000 / one.length)
    for (const read of [readTypedEmail, readTypedNumber, readDigitCode, parseEmail]) read(`${text}x`.slice(-1000))
  }
  expect(performance.now() - started).toBeLessThan(1000)
})
