import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { partProgram } from './lib/generated-part.ts'

const TARGET = 'docs/events.md'
const USAGE = `npm run events:catalogue

Writes the catalogue of all events into ${TARGET}, from the domain and the migrations.`

type CataloguedEvent = {
  type: string
  stream: string
  /** The domain file. */
  file: string
  meaning: string
  /** Members of the event besides its type: `data`, `personal`, `lookups`, `secrets`. */
  members: Record<string, string>
  /** Decisions that return the event. */
  decisions: string[]
  /** Files that use these decisions, or append the event without one. */
  emitters: string[]
  /** Tables that its projectors write. */
  readModels: string[]
}

const texts = new Map<string, string>()
/** Returns the text of a file, read once. */
const read = (file: string) => {
  const text = texts.get(file) ?? readFileSync(file, 'utf8')
  texts.set(file, text)
  return text
}
const COMMENT = /\/\*\*?\s*([\s\S]*?)\s*\*\//g
const oneLine = (text: string) => text.replace(/\s*\n\s*\*?\s*/g, ' ').trim()
const withoutComments = (text: string) => text.replace(COMMENT, '')

/** Splits a type at separators that are in no bracket. */
function split(text: string, separators: string): string[] {
  const parts = ['']
  let depth = 0
  for (const char of text) {
    if ('{[(<'.includes(char)) depth++
    if ('}])>'.includes(char)) depth--
    if (depth === 0 && separators.includes(char)) parts.push('')
    else parts[parts.length - 1] += char
  }
  return parts.map((part) => part.trim()).filter(Boolean)
}

/** The text of a type declaration up to the next declaration. */
function declaration(source: string, name: string): string | undefined {
  const start = new RegExp(`^(?:export )?type ${name} =`, 'm').exec(source)
  if (!start) return undefined
  const rest = source.slice(start.index + start[0].length)
  return rest.split(/^(?:export |type |const |function |\/\*\*|import )/m)[0]?.trim()
}

/** The members of an object type, name by type; named types of the same file are looked up. */
function membersOf(source: string, type: string): Record<string, string> {
  const text = withoutComments(type).trim()
  if (text.includes('&') && split(text, '&').length > 1)
    return Object.assign({}, ...split(text, '&').map((part) => membersOf(source, part)))
  const [, omitted = '', names = ''] = /^Omit<(\w+), (.+)>$/.exec(text) ?? []
  if (omitted)
    return Object.fromEntries(
      Object.entries(membersOf(source, omitted)).filter(([name]) => !names.includes(`'${name.replace('?', '')}'`)),
    )
  const named = /^\w+$/.test(text) ? declaration(source, text) : undefined
  if (named) return membersOf(source, named)
  if (!text.startsWith('{')) return {}
  return Object.fromEntries(
    split(text.slice(1, -1), ';\n').map((member) => {
      const [name = '', ...rest] = member.split(':')
      return [name.trim(), rest.join(':').trim()]
    }),
  )
}

/** Returns the exported functions of a domain file that return an event. */
function decisionsOf(source: string, type: string): string[] {
  const functions = [
    ...source.matchAll(
      /^(export )?(?:async )?(?:function|const) (\w+)[\s\S]*?(?=^(?:export |function |const |type |\/\*\*)|$(?![\s\S]))/gm,
    ),
  ]
    .map(([body, exported, name = '']) => ({ name, exported: Boolean(exported), body }))
    .filter(({ body }) => !/: Aggregate</.test(body))
  const returning = new Set(
    functions.filter(({ body }) => new RegExp(`(?<!case |=== |!== )'${type}'`).test(body)).map(({ name }) => name),
  )
  for (const name of returning)
    for (const { name: caller, body } of functions) if (new RegExp(`\\b${name}\\(`).test(body)) returning.add(caller)
  return functions.filter(({ name, exported }) => exported && returning.has(name)).map(({ name }) => name)
}

const SOURCES = globSync('{shared,netlify,scripts}/**/*.{ts,tsx}').sort()

/** Files that import one of these names of a domain file. */
function importersOf(file: string, names: string[]): string[] {
  const imports = new RegExp(`import (?:\\* as (\\w+)|\\{([^}]*)\\}) from '[^']*/domain/${path.basename(file)}'`, 'g')
  return SOURCES.filter((source) => {
    const text = read(source)
    return [...text.matchAll(imports)].some(([, all, list = '']) =>
      all
        ? names.some((name) => text.includes(`${all}.${name}`))
        : list.split(',').some((one) => names.includes(one.trim().split(' ')[0] ?? '')),
    )
  })
}

/** The tables that each projector of a stream writes, by event. */
function projections(): Map<string, Map<string, string[]>[]> {
  const sql = globSync('supabase/migrations/*.sql').sort().map(read).join('\n')
  const streams = new Map<string, Map<string, string[]>[]>()
  const dispatch = /create (?:or replace )?function auth_gateway\.project_event\(\)[\s\S]*?\$\$;/.exec(sql)?.[0] ?? ''
  for (const [, stream = '', calls = ''] of dispatch.matchAll(/when '(\w+)' then (.*)/g)) {
    const projectors = [...calls.matchAll(/perform (project_\w+)\(/g)].map(([, name = '']) => {
      const [body = ''] = new RegExp(`function auth_gateway\\.${name}\\(e [\\s\\S]*?\\$\\$;`).exec(sql) ?? []
      const tables = new Map<string, string[]>()
      for (const [, events = '', branch = ''] of body.matchAll(
        /^\s*when ('[A-Z]\w+'(?:,\s*'[A-Z]\w+')*) then([\s\S]*?)(?=^\s*when '[A-Z]|^\s*else|^\s*end case)/gm,
      )) {
        const written = [
          ...branch.matchAll(/(?:insert into|update(?!\s+set\b)|delete from)\s+(?:auth_gateway\.)?([a-z_]+)/g),
        ]
        for (const [, event = ''] of events.matchAll(/'(\w+)'/g))
          tables.set(event, [...new Set(written.map(([, table = '']) => table))])
      }
      return tables
    })
    streams.set(stream, projectors)
  }
  return streams
}

/** Returns every event of the domain, by stream in the order of the files. */
export function eventCatalogue(): CataloguedEvent[] {
  const projected = projections()
  const seeds = globSync('supabase/migrations/*.sql').sort()
  return globSync('shared/domain/*.ts')
    .sort()
    .flatMap((file) => {
      const source = read(file)
      const [, union = '', stream = ''] = /: Aggregate<[^,]+, (\w+Event)> = \{\s*type: '(\w+)'/.exec(source) ?? []
      const text = union && declaration(source, union)
      if (!text) return []
      return split(`|\n${text}`, '|').flatMap((part, index, parts) => {
        const shape = withoutComments(part)
          .trim()
          .replace(/^\(([\s\S]*)\)$/, '$1')
        if (!shape) return []
        // The comment of a member of the union is before its `|`.
        const comments = (parts[index - 1] ?? '').replace(/\{[\s\S]*\}/, '')
        const meaning = [...comments.matchAll(COMMENT)].map(([, text = '']) => oneLine(text)).join(' ')
        const { type: quoted = '', ...members } = membersOf(source, shape)
        const type = quoted.slice(1, -1)
        const decisions = decisionsOf(source, type)
        const elsewhere = SOURCES.filter(
          (one) => !one.startsWith('shared/domain/') && new RegExp(`type: '${type}'`).test(read(one)),
        )
        const seeded = seeds.filter((one) => read(one).includes(`'event_type', '${type}'`))
        return {
          ...{ type, stream, file, meaning, decisions },
          members: Object.fromEntries(
            Object.entries(members).map(([name, value]) => {
              const inner = membersOf(source, value.replace(/\[\]$/, ''))
              const shown =
                name.startsWith('data') || name.startsWith('personal')
                  ? Object.entries(inner).map(([key, kind]) => `${key}: ${oneLine(kind)}`)
                  : [...(inner.kind ?? inner.name ?? value).matchAll(/'(\w+)'/g)].map(([, kind = '']) => kind)
              return [name.replace('?', ''), shown.map((one) => `\`${one}\``).join(', ')]
            }),
          ),
          emitters: [...new Set([...importersOf(file, decisions), ...elsewhere, ...seeded])],
          readModels: [...new Set((projected.get(stream) ?? []).flatMap((tables) => tables.get(type) ?? []))],
        }
      })
    })
}

/** Returns the catalogue in Markdown: a chapter for each stream. */
export function catalogueText(): string {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const events = eventCatalogue()
  return [...new Set(events.map(({ stream }) => stream))]
    .map((stream) => {
      const own = events.filter((event) => event.stream === stream)
      const rows = own.map(({ type, meaning, members, decisions, emitters, readModels }) => {
        const { data = '', personal = '', lookups = '', secrets = '' } = members
        const fields = [
          data,
          personal && `sealed: ${personal}`,
          lookups && `look-ups: ${lookups}`,
          secrets && `secrets: ${secrets}`,
        ].filter(Boolean)
        const code = (names: string[]) => names.map((name) => `\`${name}\``).join(', ') || '–'
        return `| ${[`\`${type}\`${meaning && ` ${meaning}`}`, fields.join('; ') || '–', code(decisions), code(emitters), code(readModels)].map(cell).join(' | ')} |`
      })
      return `## ${stream}\n\n[${own[0]?.file}](../${own[0]?.file})\n\n| Event | Fields | Decided by | Emitted by | Read models |\n|---|---|---|---|---|\n${rows.join('\n')}`
    })
    .join('\n\n')
}

export const eventCatalogueProgram = await partProgram(import.meta.url, USAGE, {
  file: TARGET,
  name: 'events',
  make: catalogueText,
})
