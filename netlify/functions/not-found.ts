import { createApp } from '../../shared/http/app.ts'
import { canonicalPath } from '../../shared/http/canonical-path.ts'
import { type FunctionHandler, serve } from '../../shared/http/serve.ts'

const oauth = serve(createApp('oauth'))
const api = serve(createApp('api'))

/** Every path that no other function answers: 404 in the dialect of its family. */
const notFound: FunctionHandler = (request, context) =>
  canonicalPath(new URL(request.url).pathname).startsWith('/oauth/') ? oauth(request, context) : api(request, context)

export default notFound
