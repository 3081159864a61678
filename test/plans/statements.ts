import { readdirSync } from 'node:fs'
import { vi } from 'vitest'

/** A statement with `$1` for each value, as the application sends it. */
class Statement {
  readonly parts: readonly string[]
  readonly values: readonly unknown[]
  constructor(parts: readonly string[], values: readonly unknown[]) {
    this.parts = parts
    this.values = values
  }

  text(next: { number: number } = { number: 1 }): string {
    return this.parts.reduce((text, part, at) => {
      const value = this.values[at - 1]
      if (value instanceof Statement) return text + value.text(next) + part
      if (value instanceof Name) return `${text}"${value.name.replaceAll('.', '"."')}"${part}`
      // The planner sees the numbers of a limit: it plans for the rows that are asked for.
      return `${text}${/\b(limit|offset)\s*$/i.test(text) ? '100' : `$${next.number++}`}${part}`
    })
  }
}

class Name {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/** Has every member, and is a list of one: a stand-in for the input of a query and for the rows that one returns. */
const anything: unknown = new Proxy(() => anything, {
  get: (_, member) => {
    if (member === 'then') return undefined
    if (member === 'length') return 1
    if (member === Symbol.toPrimitive) return (hint: string) => (hint === 'number' ? 1 : '1')
    const ofList = [anything][member as keyof unknown[]] as unknown
    return typeof ofList === 'function' ? ofList.bind([anything]) : anything
  },
  apply: () => anything,
})

function recorder(found: Set<string>) {
  const tag = (first: TemplateStringsArray | string | unknown[], ...values: unknown[]) => {
    if (typeof first === 'string') return new Name(first)
    const statement = 'raw' in first ? new Statement(first, values) : new Statement(['(', ')'], [first])
    const run = () => {
      found.add(statement.text().trim())
      return Promise.resolve([anything])
    }
    return Object.defineProperties(statement, {
      // biome-ignore lint/suspicious/noThenProperty: the driver's queries are sent when they are waited for
      then: { value: (...next: Parameters<Promise<unknown>['then']>) => run().then(...next) },
      catch: { value: (next: () => unknown) => run().catch(next) },
      finally: { value: (next: () => void) => run().finally(next) },
      cursor: {
        value: async function* () {
          yield await run()
        },
      },
      simple: { value: () => statement },
      describeFirst: { configurable: true, value: false },
    })
  }
  const use = async (...given: unknown[]) => (given.at(-1) as (sql: unknown) => unknown)(sql)
  const sql: unknown = Object.assign(tag, {
    json: () => anything,
    array: () => anything,
    typed: () => anything,
    begin: use,
    savepoint: use,
  })
  return sql
}

const { from } = Buffer
const folder = new URL('../../shared/queries/', import.meta.url)

/** Every combination of given and missing parts of the input that queries choose their text by. */
const inputs = (count: number): unknown[][] =>
  [anything, undefined].flatMap((one) => [
    Array.from({ length: count }, () => one),
    ...Array.from({ length: count }, (_, at) => Array.from({ length: count }, (_, n) => (n === at ? one : anything))),
  ])

const scopes = [{ of: 'everything' }, { of: 'organization', id: '1' }, { of: 'people', uais: ['1'] }]
const named = ['api-key', 'project', 'stored-key'].map((kind) => ({ kind, place: '1', name: '1' }))

/** The text of the statements of every query, and the queries of which none was found. */
export async function statementsOfQueries(): Promise<{ texts: string[]; unseen: string[] }> {
  const texts = new Set<string>()
  const unseen: string[] = []
  const bytes = vi.spyOn(Buffer, 'from')
  bytes.mockImplementation(((value: string) => (typeof value === 'function' ? anything : from(value))) as never)
  for (const file of readdirSync(folder)) {
    const module = (await import(new URL(file, folder).href)) as Record<string, unknown>
    for (const [name, query] of Object.entries(module)) {
      if (typeof query !== 'function') continue
      const found = new Set<string>()
      const sql = recorder(found)
      for (const rest of inputs(Math.max(query.length, 4)))
        try {
          await query(sql, ...rest)
        } catch {}
      for (const scope of scopes)
        try {
          await query(sql, scope, {}, anything)
          await query(sql, scope, anything, anything)
        } catch {}
      for (const thing of file === 'names.ts' ? named : [])
        try {
          await query(sql, anything, thing)
        } catch {}
      if (found.size === 0) unseen.push(`${file} ${name}`)
      for (const text of found) texts.add(text)
    }
  }
  bytes.mockRestore()
  return { texts: [...texts], unseen }
}
