import type { Context } from '@netlify/functions'
import type { App } from './app.ts'

export type FunctionHandler = (request: Request, context: Context) => Promise<Response>

/** The Netlify function (v2 signature) that answers with `app`. */
export function serve(app: App): FunctionHandler {
  return async (request, context) => app.fetch(request, { netlify: context })
}
