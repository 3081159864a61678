import { type Family, form, page } from './operation.ts'

export const operatorsConsole: Family = {
  tag: 'Console',
  description: 'Pages on which operators see what happens and act on it.',
  dialect: 'page',
  operations: {
    'GET /admin': page('Charts, limits and the newest events'),
    'GET /admin/people': page('People'),
    'POST /admin/people': form('Finds a person by identifier or e-mail address'),
    'GET /admin/people/:uai': page('A person, and what they could do at a time'),
    'GET /admin/sessions': page('Live sessions'),
    'GET /admin/keys': page('API keys'),
    'GET /admin/clients': page('Applications'),
    'GET /admin/connections': page('Identity providers'),
    'GET /admin/webhooks': page('Outgoing webhooks'),
    'GET /admin/events': page('The timeline, with filters'),
    'GET /admin/requests/:id': page('A request, step by step'),
    'GET /admin/radius': page('What followed from a credential or event'),
    'POST /admin/act': form('Does one thing to one thing, with a reason'),
  },
}
