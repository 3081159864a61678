import type { Config, Context } from '@netlify/functions'
import type { FunctionHandler } from '../../shared/http/serve.ts'

/** By route: the status it answered with. */
export type Answers = Record<string, number>
export type FunctionModule = { default: FunctionHandler; config?: Config }

const ID = '0195d000-0000-7000-8000-000000000005'
const context = { ip: '127.0.0.1', params: {}, waitUntil: () => {} } as unknown as Context

/** A path that a route takes. */
const pathOf = (route: string) =>
  route
    .replace(/:\w+\{(\w+)[^}]*\}/g, '$1')
    .replace(/:\w+/g, ID)
    .replace('*', 'x')

/** Calls every route of every function as the platform does, without a credential. */
export async function callEveryRoute(functions: FunctionModule[]): Promise<Answers> {
  const answers: Answers = {}
  for (const { default: handle } of functions)
    for (const { method, path } of handle.app?.routes ?? []) {
      const verb = method === 'ALL' ? 'GET' : method
      const body = verb === 'GET' ? {} : { body: '{}' }
      const headers = { accept: 'application/json', 'content-type': 'application/json' }
      const request = new Request(`http://localhost:4000${pathOf(path)}`, { method: verb, headers, ...body })
      answers[`${verb} ${path}`] = (await handle(request, context)).status
    }
  return answers
}
