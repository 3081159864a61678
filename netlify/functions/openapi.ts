import { gateway } from '../../shared/gateway.ts'
import { ReferencePage } from '../../shared/http/pages/reference.tsx'
import { renderPage } from '../../shared/http/pages/render.ts'
import { createPageApp } from '../../shared/http/pages/respond.tsx'
import { serve } from '../../shared/http/serve.ts'
import document from '../openapi/openapi.json' with { type: 'json' }

const app = createPageApp()
const CACHE = { 'Cache-Control': 'public, max-age=300' }

/** The description of every route (OpenAPI 3.1), made by `npm run openapi` from the schemas that the functions validate with. */
app.get('/openapi.json', (c) => c.json({ ...document, servers: [{ url: gateway().issuer }] }, 200, CACHE))

app.get('/reference', () => renderPage(ReferencePage({ document: { ...document } })))

export default serve(app)
