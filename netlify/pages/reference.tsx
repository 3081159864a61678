import { Layout } from './layout.tsx'

/** Every English sentence of the reference. */
const words = {
  title: 'API reference',
  lead: 'Every route of the gateway, as programs read it in',
  required: 'required',
  parameters: 'In the URL',
  body: 'Body, as JSON or form',
  mirrors: 'Also at',
  credential: 'Credential',
  or: ' or ',
  credentials: {
    token: 'access token',
    apiKey: 'API key',
    session: 'session cookie',
    client: 'client',
    registrationToken: 'registration access token',
    signature: 'signature',
    none: 'none',
  } as Record<string, string>,
}

type Schema = {
  $ref?: string
  type?: string | string[]
  format?: string
  enum?: unknown[]
  const?: unknown
  items?: Schema
  anyOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
}
type Content = Record<string, { schema?: Schema }>
type Response = { $ref?: string; description?: string; content?: Content }
type Parameter = { name: string; in: string; required?: boolean; schema?: Schema }
type Operation = {
  tags: string[]
  summary: string
  operationId: string
  'x-mirrors'?: string[]
  parameters?: Parameter[]
  requestBody?: { content: Content }
  security?: Record<string, string[]>[]
  responses: Record<string, Response>
}
/** The part of an OpenAPI document that the page shows. */
type ShownDocument = {
  info: { title: string; version: string; description: string }
  tags: { name: string; description: string }[]
  paths: Record<string, unknown>
  components: { schemas: Record<string, unknown> }
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete']
type Located = { method: string; path: string; operation: Operation }
type Row = { name: string; what: string; required: boolean }

function operationsOf({ paths }: ShownDocument): Located[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = (item as Record<string, Operation>)[method]
      return operation ? [{ method: method.toUpperCase(), path, operation }] : []
    }),
  )
}

/** The schemas of a document, looked up by reference. */
function reader({ components }: ShownDocument) {
  const named = components.schemas as Record<string, Schema>
  const nameOf = (schema: Schema) => schema.$ref?.split('/').at(-1)
  const follow = (schema: Schema): Schema => {
    const name = nameOf(schema)
    return name ? (named[name] ?? {}) : schema
  }
  function kindOf(schema: Schema): string {
    const name = nameOf(schema)
    if (name && !name.startsWith('body')) return name
    if (schema.const !== undefined) return JSON.stringify(schema.const)
    if (schema.enum) return schema.enum.map(String).join(' | ')
    if (schema.anyOf) return [...new Set(schema.anyOf.map(kindOf))].join(' | ')
    if (schema.type === 'array') return `${kindOf(schema.items ?? {})}[]`
    const types = [schema.type ?? 'any'].flat().join(' | ')
    return schema.format ? `${types} (${schema.format})` : types
  }
  /** The members of an object; of several shapes, those of all. */
  function rowsOf(schema: Schema): Row[] {
    const { properties, required = [], anyOf } = follow(schema)
    if (properties)
      return Object.entries(properties).map(([name, one]) => ({
        name,
        what: kindOf(one),
        required: required.includes(name),
      }))
    const rows = new Map((anyOf ?? []).flatMap(rowsOf).map((row) => [row.name, { ...row, required: false }]))
    return [...rows.values()]
  }
  return { kindOf, rowsOf }
}

function Members({ caption, rows }: { caption: string; rows: Row[] }) {
  if (rows.length === 0) return null
  return (
    <table>
      <caption>{caption}</caption>
      <tbody>
        {rows.map(({ name, what, required }) => (
          <tr>
            <th scope="row" class="mono">
              {name}
            </th>
            <td>{what}</td>
            <td>{required ? words.required : ''}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

type ReaderProps = { read: ReturnType<typeof reader> }

function Answers({ responses, read }: ReaderProps & { responses: Record<string, Response> }) {
  const known = Object.entries(responses).filter(([status]) => status !== 'default')
  return (
    <>
      {known.map(([status, { $ref, description, content = {} }]) => {
        const types = Object.keys(content)
        const schema = content['application/json']?.schema
        const [error] = $ref ? [description] : []
        const caption = schema
          ? `${status} ${read.kindOf(schema)}`
          : [status, error, ...types].filter(Boolean).join(' ')
        const rows = schema ? read.rowsOf(schema) : []
        return rows.length > 0 ? <Members caption={caption} rows={rows} /> : <p class="note">{caption}</p>
      })}
    </>
  )
}

function Entry({ method, path, operation, read }: Located & ReaderProps) {
  const { summary, parameters = [], requestBody, security = [], responses, operationId } = operation
  const mirrors = operation['x-mirrors'] ?? []
  const body = Object.values(requestBody?.content ?? {})[0]?.schema
  const ways = security.map((one) => Object.keys(one)[0] ?? 'none').map((one) => words.credentials[one] ?? one)
  const inUrl = parameters.map(({ name, required = false, schema = {} }) => ({
    name,
    required,
    what: read.kindOf(schema),
  }))
  return (
    <details id={operationId}>
      <summary>
        <span class="mono">
          {method} {path}
        </span>{' '}
        {summary}
      </summary>
      <p class="note">
        {words.credential}: {ways.join(words.or)}
        {mirrors.length > 0 && `. ${words.mirrors}: ${mirrors.join(' ')}`}
      </p>
      <Members caption={words.parameters} rows={inUrl} />
      {body && <Members caption={words.body} rows={read.rowsOf(body)} />}
      <Answers responses={responses} read={read} />
    </details>
  )
}

/** Every operation of the API, from its OpenAPI description. */
export function ReferencePage({ document }: { document: ShownDocument }) {
  const read = reader(document)
  const operations = operationsOf(document)
  const lead = (
    <>
      {words.lead} <a href="/openapi.json">/openapi.json</a>
    </>
  )
  return (
    <Layout title={words.title} lead={lead} wide>
      {document.tags.map(({ name, description }) => (
        <section>
          <h2>{name}</h2>
          <p class="note">{description}</p>
          {operations
            .filter(({ operation }) => operation.tags.includes(name))
            .map((one) => (
              <Entry {...one} read={read} />
            ))}
        </section>
      ))}
    </Layout>
  )
}
