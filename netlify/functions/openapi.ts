import { config } from '../../shared/config.ts'
import { createApp } from '../../shared/http/app.ts'
import { anything } from '../../shared/http/operation.ts'
import { openToAll } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { ReferencePage } from '../pages/reference.tsx'
import { renderPage } from '../pages/render.ts'
import { errorPage } from '../pages/respond.tsx'

const app = createApp('page', { tag: 'Reference', errorPage })
const load = () => import('../openapi/description.ts')
const CACHE = { 'Cache-Control': 'public, max-age=300' }

/** The description of every route (OpenAPI 3.1), made by `npm run openapi` from the schemas that the functions validate with. */
app.route('GET', '/openapi.json', {
  authority: openToAll,
  withoutDatabase: true,
  operation: { summary: 'This document', answers: { 200: anything } },
})(async (c) => {
  const { description } = await load()
  return c.json({ ...description, servers: [{ url: config().AUTH_BASE_URL }] }, 200, CACHE)
})

app.route('GET', '/reference', {
  authority: openToAll,
  withoutDatabase: true,
  operation: { summary: 'The same for people', answers: { 200: 'page' } },
})(async () => {
  const { description } = await load()
  return renderPage(ReferencePage({ document: { ...description } }))
})

export default serve(app)
