import { gateway } from '../../shared/gateway.ts'
import { pageOperation } from '../../shared/http/operation.ts'
import { serve } from '../../shared/http/serve.ts'
import { listMessagesOf } from '../../shared/queries/messages.ts'
import { ActivityPage } from '../pages/account-activity.tsx'
import { ACCOUNT_PAGES } from '../pages/account-layout.tsx'
import { createFormApp } from '../pages/form-answers.ts'
import { page } from '../pages/page-authority.ts'
import { renderPage } from '../pages/render.ts'

const BASE = ACCOUNT_PAGES.activity
const NEWEST_MESSAGES = 10
const app = createFormApp('Account pages')

app.route('GET', BASE, {
  authority: page(BASE),
  operation: pageOperation('Shows what happened in the account'),
})(async (c, { person }) => {
  const messages = await listMessagesOf(gateway().reads, person, NEWEST_MESSAGES)
  return renderPage(ActivityPage({ messages, now: c.var.call.now() }))
})

export default serve(app)
