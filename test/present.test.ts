import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parsePresent, presentDeeply, presentMembers } from '../shared/present.ts'

const silent = { a: null, b: '', c: undefined }

test('null, the empty text and what is left out are the same', () => {
  expect(presentMembers({ ...silent, d: 0, e: false, f: ' ' })).toEqual({ d: 0, e: false, f: ' ' })
  expect(Object.keys(presentMembers(silent))).toEqual([])
})

test('in our own API, an empty list or object is a value; in what others publish, it is not', () => {
  const given = { list: [], object: {}, nested: { ...silent, list: [null, '', {}, 1] }, silent }
  expect(presentMembers(given)).toEqual(given)
  expect(presentDeeply(given)).toEqual({ nested: { list: [1] } })
})

test.each([
  ['{"a": null, "b": [null], "c": {"d": ""}, "e": "x"}', { e: 'x' }],
  ['{"a": null}', undefined],
  ['[]', undefined],
  ['[null, {"a": ""}, "x"]', ['x']],
  ['null', null],
  ['0', 0],
])('%s is read as %j', (text, expected) => expect(parsePresent(text)).toEqual(expected))

/** Where JSON is read that is not from outside, or that says nothing by null anyway. */
const OWN: Record<string, string> = {
  'shared/http/body.ts': 'requests, by presentMembers',
  'shared/oauth/clients/client-document.ts': 'documents, by presentDeeply',
  'shared/oauth/authorize/requested-acr.ts':
    'a claims request, where null has a meaning (OpenID Connect Core section 5.5)',
  'shared/sso/call-hook.ts': 'answers of hooks, by presentDeeply',
  'shared/sso/oauth-client.ts': 'answers that askProvider has read',
  'shared/sso/supabase-project.ts': 'answers that askProvider has read',
  'shared/array-types.ts': 'arrays of the database',
  'shared/queries/opening.ts': 'a value that the gateway sends to the database and back',
  'shared/present.ts': 'the helper',
  'shared/delivery/attempt.ts': 'the id and the error code in an answer of our edge functions',
  'shared/http/language.ts': 'a cookie of ours, of which only a known language is taken',
  'shared/http/forward.ts': 'an answer that is passed on unread',
  'shared/oauth/token/client-certificate-auth.ts': 'a quoted name in a header',
  'netlify/openapi/document.ts': 'a schema of ours',
  'shared/access/operator-reads.ts': 'the filters of a request, of which those with a value are recorded',
  'shared/audit/lost-history.ts': 'checkpoints that the gateway wrote',
  'netlify/pages/passkey.tsx': 'options of ours, read by a script of ours',
  'shared/sign-in/passkey/credential.ts': 'a credential that the browser wrote, whose optional members may be null',
  'netlify/pages/work.tsx': 'a challenge of ours, read by a script of ours',
  'shared/sign-in/proof-of-work.ts': 'the solution of a challenge, whose members are all required',
}
/** What the gateway sealed or wrote itself. */
const SEALED =
  /JSON\.parse\(\s*(openBytes|ring\.open|opened|personal\.open|kept|bytes|row\.|origin|details|JSON\.stringify)/g

test('every other place that reads JSON from outside does so by the helper', () => {
  const files = globSync('{shared,netlify}/**/*.{ts,tsx}').filter((file) => !file.includes('node_modules'))
  const reads = (file: string) =>
    /JSON\.parse\(|(?<!\bc)\.json\(\)/.test(readFileSync(file, 'utf8').replace(SEALED, ''))
  expect(files.filter((file) => !(file in OWN) && reads(file))).toEqual([])
  expect(Object.keys(OWN).filter((file) => !reads(file))).toEqual([])
})
