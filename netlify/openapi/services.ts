import * as z from 'zod/mini'
import { anything, type Family, type Method, type Operation } from './operation.ts'

const METHODS: Method[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
const routed: Operation = {
  summary: 'Passes a request on to a service, with who it is from; JSON comes back under data',
  answers: { 200: [anything, 'text/event-stream'], 204: 'empty', 205: 'empty', 304: 'empty' },
}
const toAll = (route: string, operation: Operation): Family['operations'] =>
  Object.fromEntries(METHODS.map((method) => [`${method} ${route}`, operation]))

const service = z.object({
  name: z.string(),
  endpoint: z.string(),
  description: z.string(),
  methods: z.array(z.string()),
  requires_auth: z.boolean(),
  scopes: z.array(z.string()),
  available: z.boolean(),
})

export const services: Family = {
  tag: 'Services',
  description: 'Services behind the gateway, which asks on behalf of the person.',
  dialect: 'api',
  refusal: 'ServiceRefusal',
  operations: {
    'GET /services': {
      summary: 'The services there are',
      answers: {
        200: z.object({
          available_services: z.array(service),
          total_count: z.int(),
          base_url: z.url(),
          documentation: z.url(),
          version: z.string(),
        }),
      },
    },
    ...toAll('/services/:service', { summary: 'Leads to the service', answers: { 307: 'redirect' } }),
    ...toAll('/api/v1/services/:service', routed),
    ...toAll('/api/v1/services/:service/:rest{.+}', routed),
    'POST /api/v1/chat/completions': { ...routed, summary: 'The same as /api/v1/services/ai-chat/chat/completions' },
    'POST /webhook/:service': { ...routed, summary: 'Passes on to webhook-handler' },
  },
}
