import type { Context } from '@netlify/functions'
import { config } from '../config.ts'
import { GatewayError } from '../errors.ts'
import { log } from '../log.ts'
import type { App } from './app.ts'
import { renderError } from './render-error.ts'

export type FunctionHandler = ((request: Request, context: Context) => Promise<Response>) & {
  /** The app that it serves, if it is one. */
  app?: App
}

/** Refuses every request while the configuration is invalid. */
function refuseUnconfigured(request: Request): Response | undefined {
  try {
    config()
    return undefined
  } catch (cause) {
    log.error('request', { refusal: 'service_unavailable', reason: 'configuration', error: cause })
    return renderError(new GatewayError('service_unavailable', { cause, retryAfter: 30 }), 'api', request)
  }
}

/** Returns the Netlify function (v2 signature) that serves `app`. */
export function serve(app: App): FunctionHandler {
  const handle = async (request: Request, context: Context) =>
    refuseUnconfigured(request) ?? app.fetch(request, { netlify: context })
  return Object.assign(handle, { app })
}
