import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

const DOCUMENTS = globSync(
  '{*.md,docs/**/*.md,packages/*/README.md,deploy/*/README.md,supabase/functions/README.md}',
).sort()
const read = (file: string) => readFileSync(file, 'utf8')
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }

const withoutCode = (text: string) => text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '')
const codeOf = (text: string) => [...text.matchAll(/^```[\s\S]*?^```|`[^`\n]+`/gm)].map(([code]) => code).join('\n')

/** The anchors that GitHub gives to the headings of a document. */
const anchorsOf = (text: string) =>
  [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  )

/** Paths of this repository in code spans and blocks; one with a placeholder or `*` is a pattern. */
const pathsIn = (code: string) =>
  [...code.matchAll(/(?<![\w/.:@~-])(?:netlify|shared|supabase|scripts|test|docs|deploy|packages)\/[\w./*<>{},-]*/g)]
    .map(([found]) => found.replace(/[.,]+$/, ''))
    .filter((found) => !found.includes('…'))
const exists = (file: string) => existsSync(file) || globSync(file.replace(/<[^>]*>/g, '*')).length > 0

describe.each(DOCUMENTS)('%s', (file) => {
  const text = read(file)

  test('links to files and headings that exist', () => {
    const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
    const broken = links.filter((link) => {
      if (/^https?:/.test(link)) return false
      const [target = '', anchor] = link.split('#')
      const to = target ? path.join(path.dirname(file), target) : file
      return !existsSync(to) || (anchor !== undefined && !anchorsOf(read(to)).includes(anchor))
    })
    expect(broken).toEqual([])
  })

  test('names paths that exist', () => {
    expect(pathsIn(codeOf(text)).filter((one) => !exists(one))).toEqual([])
  })

  test('names npm scripts that exist', () => {
    const named = [...text.matchAll(/\bnpm run (?:-s )?([a-z][\w:-]*\w)/g)].map(([, name = '']) => name)
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([])
  })

  test('is in plain English', () => {
    const odd =
      /\b(somebody|nobody|whoever|became of|becomes of|mended|hopeless|lately|news of|hears? of|cuts? off)\b/gi
    expect([...withoutCode(text).matchAll(odd)].map(([found]) => found)).toEqual([])
  })
})

test('README.md has at most 250 lines and leads to every document', () => {
  const readme = read('README.md')
  expect(readme.split('\n').length).toBeLessThanOrEqual(251)
  const pages = DOCUMENTS.filter((file) => file.startsWith('docs/'))
  expect(pages.filter((file) => !readme.includes(`](${file}`))).toEqual([])
})

test('docs/commands.md names every npm script', () => {
  const commands = read('docs/commands.md')
  const standard = ['start', 'test']
  const missing = Object.keys(scripts).filter(
    (name) => !standard.includes(name) && !commands.includes(`npm run ${name}`),
  )
  expect(missing.filter((name) => !commands.includes(`npm run -s ${name}`))).toEqual([])
})

test('docs/packages.md has every package of package.json', () => {
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(read('package.json'))
  const names = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies })
  const table = read('docs/packages.md')
  const short = (name: string) => name.replace(/^@opentelemetry\//, '')
  expect(names.filter((name) => !name.startsWith('@types/') && !table.includes(short(name)))).toEqual([])
})

test('docs/how-to-extend.md names for each file what is in it', () => {
  const rows = [...read('docs/how-to-extend.md').matchAll(/^\| [^|]+ \| `([^`]+)` \| (.+) \|$/gm)]
  expect(rows.length).toBeGreaterThan(25)
  const missing = rows.flatMap(([, file = '', names = '']) =>
    [...names.matchAll(/`([^`]+)`/g)]
      .map(([, name = '']) => name)
      .filter((name) => !existsSync(file) || !read(file).includes(name))
      .map((name) => `${file} ${name}`),
  )
  expect(missing).toEqual([])
})

test('docs/architecture.md names every folder of the source', () => {
  const [, tree = ''] = /^## Folders\n\n```\n([\s\S]+?)```/m.exec(read('docs/architecture.md')) ?? []
  const folders = globSync('{shared,netlify,supabase}/*/').map((folder) => `${path.basename(folder)}/`)
  expect(folders.filter((folder) => !tree.includes(folder))).toEqual([])
})
