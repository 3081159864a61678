import '../../shared/gateway.ts'
import { pageOperation } from '../../shared/http/operation.ts'
import { serve } from '../../shared/http/serve.ts'
import { DataPage } from '../pages/account-data.tsx'
import { ACCOUNT_PAGES } from '../pages/account-layout.tsx'
import { createFormApp } from '../pages/form-answers.ts'
import { page } from '../pages/page-authority.ts'
import { renderPage } from '../pages/render.ts'

const BASE = ACCOUNT_PAGES.data
const app = createFormApp('Account pages')

app.route('GET', BASE, {
  authority: page(BASE),
  operation: pageOperation('Shows what the person can do with their data'),
})(() => renderPage(DataPage()))

export default serve(app)
