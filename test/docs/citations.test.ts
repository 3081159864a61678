import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { canonicalPath } from '../../shared/http/canonical-path.ts'

const CODE = globSync('{netlify,shared,supabase,scripts,test,deploy}/**/*.{ts,tsx,mjs,js,sql,sh,template}', {
  exclude: (file) => file.includes('node_modules'),
}).sort()
const read = (file: string) => readFileSync(file, 'utf8')

const rules = new Map(
  read('docs/security-rules.md')
    .split('\n')
    .filter((line) => /^\| [A-Z]+\d+ \|/.test(line))
    .map((line) => line.slice(2, -2).split(' | '))
    .map(([id = '', , , tests = '']) => [id, tests.split(' ').filter(Boolean)]),
)
const sections = new Set(
  [...read('docs/wire-contract.md').matchAll(/^#{2,3} ([\d.]+?)\.? /gm)].map(([, number]) => number),
)
/** Rows of the numbered lists and tables of a section: 5.9.4, 6.17, 7.24. */
const rows = (section: string) => {
  const body = read('docs/wire-contract.md')
    .split(new RegExp(`^#{2,3} ${section}\\.? .*$`, 'm'))[1]
    ?.split(/^## /m)[0]
  return [...(body ?? '').matchAll(/^(?:\| )?(\d+)(?:\.| \|) ?/gm)].map(([, row]) => `${section}.${row}`)
}
for (const row of ['5.9', '6', '7'].flatMap(rows)) sections.add(row)

/** What is cited of a document: one or several ids after its name. */
function citations(document: string, id: string): { file: string; cited: string }[] {
  const pattern = new RegExp(`docs/${document}\\.md ((?:${id})(?:(?:, | and )(?:${id}))*)`, 'g')
  return CODE.flatMap((file) =>
    [
      ...read(file)
        .replaceAll(/\n\s*(?:\*|--|\/\/) ?/g, ' ')
        .matchAll(pattern),
    ].flatMap(([, list = '']) => list.split(/, | and /).map((cited) => ({ file, cited }))),
  )
}

describe('citations', () => {
  test('of security rules name rules that exist', () => {
    const cited = citations('security-rules', '[A-Z]+\\d+')
    expect(cited.length).toBeGreaterThan(15)
    expect(cited.filter(({ cited }) => !rules.has(cited))).toEqual([])
  })

  test('of the wire contract name sections that exist', () => {
    const cited = citations('wire-contract', '\\d+(?:\\.\\d+)*')
    expect(cited.length).toBeGreaterThan(40)
    expect(cited.filter(({ cited }) => !sections.has(cited))).toEqual([])
  })

  test('name documents by their path', () => {
    const unnamed = /(?<!docs\/)wire-contract(?:\.md)? \d|\(?\bstandards [A-Z]{1,2}\d|architecture section \d/
    expect(CODE.filter((file) => unnamed.test(read(file)))).toEqual([])
  })

  test('of documents name ones that exist', () => {
    const named = CODE.flatMap((file) => [...read(file).matchAll(/\bdocs\/[\w-]+\.md/g)].map(([document]) => document))
    expect([...new Set(named)].filter((document) => !existsSync(document))).toEqual([])
  })
})

describe('docs/security-rules.md', () => {
  const fileOf = (name: string) =>
    name.startsWith('`') ? `test/${name.slice(1, -1)}` : `test/conformance/${name}.test.ts`
  /** Rules at the start of the names of tests. */
  const rulesOf = (file: string) =>
    [...read(file).matchAll(/['"`]((?:[A-Z]{1,2}\d{1,2}(?: and |, | – | ))+)/g)].flatMap(([, list = '']) =>
      [...list.matchAll(/[A-Z]+\d+/g)].map(([id]) => id),
    )

  test('names tests that exist', () => {
    const missing = [...rules].flatMap(([id, tests]) =>
      tests.filter((name) => !existsSync(fileOf(name))).map((name) => `${id} ${name}`),
    )
    expect(missing).toEqual([])
  })

  test('names for each rule the conformance tests that name it', () => {
    const said = [...rules].flatMap(([id, tests]) =>
      tests.filter((name) => !name.startsWith('`')).map((name) => `${id} ${name}`),
    )
    const held = globSync('test/conformance/*.test.ts').flatMap((file) =>
      rulesOf(file).map((id) => `${id} ${path.basename(file, '.test.ts')}`),
    )
    expect(said.sort()).toEqual([...new Set(held)].sort())
  })
})

test('docs/wire-contract.md lists mirrors as the code has them', () => {
  const table = [...read('docs/wire-contract.md').matchAll(/^\| `(\/[^`]+)` \| `(\/[^`]+)` \|$/gm)]
  expect(table.length).toBeGreaterThan(15)
  expect(table.map(([, mirror = '']) => canonicalPath(mirror))).toEqual(table.map(([, , canonical]) => canonical))
})
