import type { Context } from '@netlify/functions'
import type { App } from './app.ts'

export type FunctionHandler = ((request: Request, context: Context) => Promise<Response>) & {
  /** Whose routes it answers, where it is one app. */
  app?: App
}

/** The Netlify function (v2 signature) that answers with `app`. */
export function serve(app: App): FunctionHandler {
  const handle = async (request: Request, context: Context) => app.fetch(request, { netlify: context })
  return Object.assign(handle, { app })
}
