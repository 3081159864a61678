import { globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { DESCRIBED } from '../../shared/typed/fields.ts'

/** How a door would read an address, a number or a code by rules of its own. */
const OWN_RULES: Record<string, RegExp> = {
  'zod for e-mail': /\bz\.email\b|\.email\(\s*['")]/,
  'an expression with an @': /\/[^/\n]*[\])+*]@[^/\n]*\/[a-z]*[.,)]/,
  'an address cut at its @': /\.(split|indexOf|lastIndexOf)\('@'/,
  'an expression for six digits or a number': /\\d\{6\b|\[0-9\]\{6\b|\[1-9\]\\d\{6/,
  'all but digits dropped': /\/\\D\/g|\/\[\^0-9\]\/g/,
  'blanks and hyphens dropped': /\/\[\\s-\]\/g|\/\[ -\]\/g/,
  'an address or code trimmed or put in one case':
    /\b(e?mail|address|phone|number|code|userCode|user_code|otp|otp_code)\b\??\.(trim|toLowerCase|toUpperCase|normalize)\(/,
  'the library of phone numbers': /parsePhoneNumberFromString\b/,
}

/** What looks like it and is something else. */
const OTHERS: Record<string, string> = {
  'scripts/verify-export.mjs': 'the digits of a position',
  'shared/people/code-address.ts': 'loads the library for the parser; masks an address',
  'shared/oauth/token/supabase-claims.ts': 'the user id of a project, in the spelling of its tokens',
  'shared/people/telephone-library.ts': 'names the library',
  'supabase/functions/_shared/payload.ts':
    'numbers and codes of the gateway or of Supabase Auth, on their way to a person',
  'supabase/functions/auth-send-sms-hook/handler.ts': 'hands the library to the parser; the codes are of Supabase Auth',
  'scripts/mailbox/messages.ts': 'finds the code in a message',
  'scripts/mailbox/other-apis.ts': 'stands in for a provider, with its rules',
  'scripts/mailbox/twilio-api.ts': 'stands in for a provider, with its rules',
  'scripts/supabase-auth/app.ts': 'stands in for Supabase Auth, with its rules',
}
const PARSERS = [
  'shared/typed/',
  'supabase/functions/_shared/email-address.ts',
  'supabase/functions/_shared/phone-number.ts',
]

const sources = globSync('{shared,netlify,supabase/functions,scripts}/**/*.{ts,tsx,mjs}')
  .filter((file) => !file.includes('node_modules') && !PARSERS.some((parser) => file.startsWith(parser)))
  .sort()

const brokenRules = (file: string) => {
  const text = readFileSync(file, 'utf8')
  return Object.keys(OWN_RULES).filter((name) => OWN_RULES[name]?.test(text))
}

describe('addresses, numbers and codes are read in one place', () => {
  test('no other file has rules of its own', () => {
    const found = sources
      .filter((file) => !(file in OTHERS))
      .flatMap((file) => brokenRules(file).map((rule) => `${file}: ${rule}`))
    expect(found).toEqual([])
  })

  test('every exception is still one', () => {
    expect(Object.keys(OTHERS).filter((file) => brokenRules(file).length === 0)).toEqual([])
  })
})

describe('every request of the OpenAPI document', () => {
  type Schema = { type?: unknown; description?: string; properties?: Record<string, Schema> }
  const { paths, components } = JSON.parse(readFileSync('netlify/openapi/openapi.json', 'utf8')) as {
    paths: Record<string, Record<string, { requestBody?: { content: Record<string, { schema: { $ref: string } }> } }>>
    components: { schemas: Record<string, Schema> }
  }
  const bodies = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, { requestBody }]) => {
      const name = requestBody?.content['application/json']?.schema.$ref.split('/').at(-1)
      const properties = (name && components.schemas[name]?.properties) || {}
      return Object.entries(properties).map(([field, schema]) => ({ field, at: `${method} ${path}`, schema }))
    }),
  )
  const descriptions = (...kinds: (keyof typeof DESCRIBED)[]) => kinds.map((kind) => DESCRIBED[kind].description)
  /** A page takes any text first, to show it again with its error. */
  const isAnyText = (schema: Schema) => JSON.stringify(schema) === '{"type":"string"}'

  test.each([
    ['email', descriptions('typedEmail', 'statedEmail')],
    ['phone', descriptions('typedPhone')],
    ['otp_code', descriptions('typedCode')],
  ])('reads %s by its parser', (name, allowed) => {
    const fields = bodies.filter(({ field }) => field === name)
    expect(fields.length).toBeGreaterThan(0)
    const others = fields.filter(({ schema }) => !isAnyText(schema) && !allowed.includes(schema.description ?? ''))
    expect(others).toEqual([])
  })

  test('reads the code of a sign-in by its parser', () => {
    const [token] = bodies.filter(({ at, field }) => at === 'post /v1/auth/otp/verify' && field === 'token')
    expect(token?.schema.description).toBe(DESCRIBED.typedCode.description)
  })
})
