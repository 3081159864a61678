import { readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { canonicalPath } from '../../shared/http/canonical-path.ts'
import type { FunctionHandler } from '../../shared/http/serve.ts'

type Media = { schema?: object }
type Described = { $ref?: string; content?: Record<string, Media> }
type Operation = { responses: Record<string, Described> }

/** Responses of this process that openapi.json does not describe; `stop` of the gateway fails with them. */
export const undescribed: string[] = []

type Document = {
  paths: Record<string, Record<string, Operation>>
  components: { responses: Record<string, Described> }
}

/** As it is served; `test/http/openapi.test.ts` keeps it up to date. */
const document: Document = JSON.parse(readFileSync('netlify/openapi/openapi.json', 'utf8'))
// Every test file compiles the schemas it meets: quickly compiled is better here than quick. A test of the document checks that it is one.
const ajv = new Ajv2020({
  strict: false,
  allErrors: true,
  inlineRefs: false,
  code: { optimize: false },
  validateSchema: false,
})
addFormats.default(ajv)
ajv.addSchema(document, 'document')
const validators = new Map<string, ValidateFunction>()

const routes = Object.entries(document.paths)
  .filter(([, item]) => !('$ref' in item))
  .map(([path, item]) => ({ path, item, pattern: new RegExp(`^${toPattern(path)}$`) }))
  .sort((a, b) => a.path.split('{').length - b.path.split('{').length)

function toPattern(path: string): string {
  const escaped = path.replace(/[.+?^$()|[\]\\*]/g, '\\$&')
  return escaped.replace('{rest}', '.+').replace(/\{\w+\}/g, '[^/]+')
}

const pointer = (...parts: string[]) => parts.map((one) => one.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')

function validatorOf(at: string): ValidateFunction {
  const known = validators.get(at)
  if (known) return known
  const made = ajv.compile({ $ref: `document#/${at}` })
  validators.set(at, made)
  return made
}

async function fault(request: Request, response: Response): Promise<string | undefined> {
  const path = canonicalPath(new URL(request.url).pathname)
  const method = request.method.toLowerCase()
  const route = routes.find(({ pattern, item }) => pattern.test(path) && method in item)
  if (!route) return undefined
  const { responses } = route.item[method] as Operation
  const status = String(response.status) in responses ? String(response.status) : 'default'
  if (status === 'default' && response.status < 400) return 'status'
  const name = responses[status]?.$ref?.split('/').at(-1)
  const where = name ? ['components', 'responses', name] : ['paths', route.path, method, 'responses', status]
  const described = name ? document.components.responses[name] : responses[status]
  const type = response.headers.get('content-type')?.split(';')[0] ?? ''
  const { content } = described ?? {}
  if (!content) return (await response.clone().text()) === '' ? undefined : 'a body'
  if (!content[type]) return status === 'default' || type ? `content type ${type}` : 'no content type'
  if (!content[type].schema) return undefined
  const validate = validatorOf(pointer(...where, 'content', type, 'schema'))
  if (validate(await response.clone().json())) return undefined
  return ajv.errorsText(validate.errors?.slice(0, 3), { dataVar: '' })
}

/** The function, with every response compared with its description. One that differs is replaced by a 500 that says how. */
export function described(handle: FunctionHandler): FunctionHandler {
  return async (request, context) => {
    const response = await handle(request, context)
    if (request.method === 'OPTIONS' || request.method === 'HEAD') return response
    const wrong = await fault(request, response)
    if (!wrong) return response
    const { pathname } = new URL(request.url)
    const sentence = `${request.method} ${pathname} answered ${response.status}, which openapi.json does not describe: ${wrong}`
    undescribed.push(sentence)
    console.error(sentence)
    return new Response(sentence, { status: 500 })
  }
}
