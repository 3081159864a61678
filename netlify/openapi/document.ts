import * as z from 'zod/mini'
import { catalogue, type Refusal } from '../../shared/errors.ts'
import { mirrorsOf } from '../../shared/http/canonical-path.ts'
import type { Answer, Operation, Schema } from '../../shared/http/operation.ts'
import type { Accepts, Route } from '../../shared/http/route.ts'
import * as keySchemas from './key-schemas.ts'
import * as oauthSchemas from './oauth-schemas.ts'
import * as schemas from './schemas.ts'
import { TAGS } from './tags.ts'

type Json = Record<string, unknown>
type OpenApiDocument = {
  openapi: string
  info: Json
  tags: Json[]
  paths: Record<string, Json>
  components: { schemas: Json; responses: Json; securitySchemes: Json }
}

/** Converts a schema to JSON Schema 2020-12, the dialect of OpenAPI 3.1. */
function toJsonSchema(schema: z.core.$ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
    },
  })
  return json
}

/** Component names by their serialized schema. */
const namesOf = new Map(
  Object.entries({ ...schemas, ...oauthSchemas, ...keySchemas })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, schema]) => [JSON.stringify(toJsonSchema(schema(), 'output')), name]),
)

/** Replaces named schemas by references. */
function withReferences(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const name = namesOf.get(JSON.stringify(value))
  if (name) return { $ref: `#/components/schemas/${name}` }
  if (Array.isArray(value)) return value.map(withReferences)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withReferences(inner)]))
}

const answerSchema = (schema: z.core.$ZodType) => withReferences(toJsonSchema(schema, 'output'))

function contentOf(answer: Answer): Json | undefined {
  if (answer === 'redirect' || answer === 'empty') return undefined
  if (answer === 'page') return { 'text/html': {} }
  return typeof answer === 'string' ? { [answer]: {} } : { 'application/json': { schema: answerSchema(answer()) } }
}

const MEANING: Record<string, string> = { redirect: 'Redirect.', empty: 'No content.', page: 'HTML page.' }

function responseOf(given: Answer | Answer[]): Json {
  const answers = [given].flat()
  const [first = 'empty'] = answers
  const content = Object.assign({}, ...answers.map(contentOf))
  return {
    description: (typeof first === 'string' && MEANING[first]) || 'Success.',
    ...(first === 'redirect' && { headers: { Location: { schema: { type: 'string' } } } }),
    ...(Object.keys(content).length > 0 && { content }),
  }
}

const statuses = ({ answers }: Operation) =>
  Object.entries(answers).map(([status, answer]) => [status, responseOf(answer)])

function parametersOf(route: string, query: Schema<z.core.$ZodObject> | undefined): Json[] {
  const inPath = [...route.matchAll(/:(\w+)(?:\{([\w|]+)\})?/g)].map(([, name, values]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', ...(values && { enum: values.split('|') }) },
  }))
  const { properties = {}, required = [] } = (query ? toJsonSchema(query(), 'input') : {}) as {
    properties?: Record<string, Json>
    required?: string[]
  }
  const inQuery = Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }))
  return [...inPath, ...(route.endsWith('/*') ? [REST] : []), ...inQuery]
}

const REST = { name: 'rest', in: 'path', required: true, schema: { type: 'string' } }

/** Converts a route to an OpenAPI path. */
export function pathOf(route: string): string {
  return route.replace(/:(\w+)(\{[^}]*\})?/g, '{$1}').replace(/\/\*$/, '/{rest}')
}

/** A body is JSON or a form; a list is JSON only. */
function bodyOf(schema: z.core.$ZodType, operationId: string, bodies: Json): Json {
  const json = toJsonSchema(schema, 'input')
  const text = JSON.stringify(json)
  const known = Object.keys(bodies).find((name) => JSON.stringify(bodies[name]) === text)
  const name = known ?? `${operationId}Body`
  bodies[name] = json
  const types = ['application/json', ...(json.type === 'array' ? [] : ['application/x-www-form-urlencoded'])]
  const content = types.map((type) => [type, { schema: { $ref: `#/components/schemas/${name}` } }])
  return { content: Object.fromEntries(content) }
}

/** Alternative security requirements of a route, each with the scopes that it needs. */
function securityOf(accepts: readonly Accepts[], { by = [], open }: Operation): Json[] {
  const asked = accepts.flatMap(({ callers, scope, keyScope = scope, serviceScope, optional }) => [
    ...(optional && callers.length > 0 ? [{}] : []),
    ...callers.map((caller): Json => {
      if (caller === 'browser') return { session: [] }
      if (caller === 'api_key') return { apiKey: keyScope ? [keyScope] : [] }
      const needed = caller === 'service' ? serviceScope : caller === 'first_party' ? undefined : scope
      return { token: needed ? [needed] : [] }
    }),
  ])
  const stated = [
    ...by.map((scheme) => ({ [scheme]: [] })),
    ...(open || (by.length === 0 && asked.length === 0) ? [{}] : []),
  ]
  return [...new Map([...asked, ...stated].map((one) => [JSON.stringify(one), one])).values()]
}

/** Requirements of a route that `security` cannot express. */
function authorityOf(accepts: readonly Accepts[]): Json[] {
  return accepts.map(({ door, audience, recent, operator, callers }) => ({
    door,
    ...(callers.length > 0 && { callers, audience }),
    ...(recent && { recent_authentication: recent }),
    ...(operator && { operator }),
  }))
}

/** The errors that follow from what a route accepts. Its handler may have others. */
function errorsOf({ method, accepts, operation }: DescribedRoute): Refusal[] {
  const ofAuthority = accepts
    .filter(({ callers }) => callers.length > 0)
    .flatMap(({ page, optional, missing = 'token_required', denied, operator, recent }): Refusal[] => {
      const ofForm: Refusal[] = method === 'GET' ? [] : ['csrf_invalid']
      // An anonymous user is redirected to sign in.
      if (page) return ofForm
      const steppedUp: Refusal[] = operator || recent ? ['insufficient_user_authentication'] : []
      const forbidden: Refusal[] = operator ? ['insufficient_scope', 'not_an_operator'] : ['insufficient_scope']
      const unknown: Refusal[] = optional ? [] : [missing]
      return [
        ...unknown,
        'invalid_token',
        'session_invalid',
        ...steppedUp,
        ...(denied ? [denied] : forbidden),
        ...ofForm,
      ]
    })
  const { body, query } = operation
  const ofInput: Refusal[] = body || query ? ['invalid_request'] : []
  const ofBody: Refusal[] = body ? ['invalid_body', 'payload_too_large', 'unsupported_media_type'] : []
  return [...new Set([...ofAuthority, ...ofInput, ...ofBody])]
}

/** Responses for errors, by status. */
function errorResponses(tag: (typeof TAGS)[number], errors: readonly Refusal[]): Json {
  const name = tag.errors === 'OAuthRefusal' ? 'oauth' : 'code'
  const byStatus = Map.groupBy(errors, (error) => catalogue[error].status)
  const responses = [...byStatus].map(([status, group]): [number, Json] => {
    const names = [...new Set(group.map((error) => catalogue[error][name]))]
    return [status, { $ref: `#/components/responses/${tag.errors}`, description: `Such as ${names.join(', ')}.` }]
  })
  return { ...Object.fromEntries(responses), default: { $ref: `#/components/responses/${tag.errors}` } }
}

function describe(tag: (typeof TAGS)[number], route: DescribedRoute, bodies: Json): Json {
  const { method, path, operation, accepts } = route
  const { summary, body, query } = operation
  const parameters = parametersOf(path, query)
  const mirrors = mirrorsOf(path).slice(1).map(pathOf)
  const named = pathOf(path).replace(/[^A-Za-z0-9]+(\w?)/g, (_, next) => next.toUpperCase())
  const operationId = method.toLowerCase() + named
  return {
    operationId,
    tags: [tag.name],
    summary,
    ...(mirrors.length > 0 && { 'x-mirrors': mirrors }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: bodyOf(body(), operationId, bodies) }),
    security: securityOf(accepts, operation),
    'x-authority': authorityOf(accepts),
    responses: { ...errorResponses(tag, errorsOf(route)), ...Object.fromEntries(statuses(operation)) },
  }
}

const refusal = z.looseObject({
  error: z.string(),
  code: z.string(),
  message: z.string(),
  details: z.optional(z.record(z.string(), z.array(z.string()))),
  retry_after: z.optional(z.number()),
})
const oauthRefusal = z.object({
  error: z.string(),
  error_description: z.string(),
  page: z.optional(z.string()),
  mfa_token: z.optional(z.string()),
  mfa_methods: z.optional(z.array(z.string())),
  expires_in: z.optional(z.int()),
  details: z.optional(z.record(z.string(), z.array(z.string()))),
  retry_after: z.optional(z.number()),
})
const serviceRefusal = z.looseObject({})
/** RFC 9457, for callers that accept it. */
const problem = z.looseObject({ type: z.string(), title: z.string(), status: z.int(), detail: z.string() })

function refusalIn(schema: z.core.$ZodType, description: string): Json {
  const json = (one: z.core.$ZodType) => ({ schema: toJsonSchema(one, 'output') })
  const content = { 'application/json': json(schema), 'application/problem+json': json(problem) }
  return { description, content: { ...content, 'text/html': {} } }
}

const securitySchemes = {
  token: {
    type: 'http',
    scheme: 'bearer',
    description: 'An access token. A sender-constrained token needs a DPoP proof or a client certificate.',
  },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
  session: { type: 'apiKey', in: 'cookie', name: 'lanonasis_session' },
  client: { type: 'http', scheme: 'basic', description: 'Or client_secret, client_assertion or a client certificate.' },
  registrationToken: { type: 'http', scheme: 'bearer', description: 'The registration access token of the client.' },
  signature: {
    type: 'apiKey',
    in: 'header',
    name: 'Signature',
    description: 'A signature or shared secret of the sender.',
  },
}

type DescribedRoute = { method: string; path: string; operation: Operation; accepts: readonly Accepts[] }

/** Returns the described routes of a tag in the order of registration. */
const routesOf = (routes: readonly Route[], name: string): DescribedRoute[] =>
  routes.flatMap(({ method, path, tag, spec: { operation, authority } }) =>
    operation && tag === name ? [{ method, path, operation, accepts: authority.accepts }] : [],
  )

/** Describes every route and its mirrors from the operation and authority registered with it. */
export function buildDocument(version: string, routes: readonly Route[]): OpenApiDocument {
  const paths: Record<string, Json> = {}
  const bodies: Json = {}
  for (const tag of TAGS)
    for (const route of routesOf(routes, tag.name)) {
      const path = pathOf(route.path)
      paths[path] = { ...paths[path], [route.method.toLowerCase()]: describe(tag, route, bodies) }
      for (const mirror of mirrorsOf(route.path).slice(1))
        paths[pathOf(mirror)] = { $ref: `#/paths/${encodeURIComponent(path.replaceAll('/', '~1'))}` }
    }
  return {
    openapi: '3.1.1',
    info: { title: 'LanOnasis Auth Gateway', version, description: 'Identity and access for people and programs.' },
    tags: TAGS.map(({ name, description }) => ({ name, description })),
    paths,
    components: {
      schemas: { ...Object.fromEntries([...namesOf].map(([text, name]) => [name, JSON.parse(text)])), ...bodies },
      responses: {
        Refusal: refusalIn(refusal, 'An error; 5xx is an internal one.'),
        OAuthRefusal: refusalIn(oauthRefusal, 'An error in the format of RFC 6749.'),
        ServiceRefusal: refusalIn(serviceRefusal, 'An error of the router, or the response of the service.'),
        PageRefusal: refusalIn(refusal, 'An error page, or JSON if the caller does not accept HTML.'),
      },
      securitySchemes,
    },
  }
}

/** Prints the document for the committed file, with a line for each path and schema. */
export function printDocument({ paths, components, ...rest }: OpenApiDocument): string {
  const lines = (entries: Json, print: (value: unknown) => string = JSON.stringify) =>
    `{\n${Object.entries(entries)
      .map(([name, value]) => `${JSON.stringify(name)}: ${print(value)}`)
      .join(',\n')}\n}`
  const parts = { ...rest, paths, components }
  return `${lines(parts, (value) => {
    if (value === paths) return lines(paths)
    return value === components ? lines(components, (part) => lines(part as Json)) : JSON.stringify(value)
  })}\n`
}
