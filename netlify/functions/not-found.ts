import { createApp } from '../../shared/http/app.ts'
import { canonicalPath } from '../../shared/http/canonical-path.ts'
import { type FunctionHandler, serve } from '../../shared/http/serve.ts'
import { errorPage } from '../pages/error-page.tsx'

const oauth = serve(createApp('oauth', { errorPage }))
const api = serve(createApp('api', { errorPage }))

/** Answers all paths that no other function serves: 404 in the error format of the path, or a page for a browser. */
const notFound: FunctionHandler = (request, context) =>
  canonicalPath(new URL(request.url).pathname).startsWith('/oauth/') ? oauth(request, context) : api(request, context)

export default notFound
