/** The tags of the document in their order, and the response that the errors of their operations come in. */
export const TAGS = [
  {
    name: 'OAuth 2.1 and OpenID Connect',
    description: 'Tokens for applications, services and agents.',
    errors: 'OAuthRefusal',
  },
  { name: 'Authorization pages', description: 'Where browsers are sent.', errors: 'PageRefusal' },
  { name: 'Discovery', description: 'Documents for programs.', errors: 'OAuthRefusal' },
  { name: 'Verification', description: 'Who a credential belongs to, for services and proxies.', errors: 'Refusal' },
  { name: 'Sign-in', description: 'Direct sign-in of programs that ask for the proof themselves.', errors: 'Refusal' },
  {
    name: 'Account and sessions',
    description: 'The person behind a request, and where they are signed in.',
    errors: 'Refusal',
  },
  {
    name: 'Identities',
    description: 'Vendor accounts and UAIs, for services that may read, link or merge them.',
    errors: 'Refusal',
  },
  { name: 'API keys', description: 'Keys of a person or an organization.', errors: 'Refusal' },
  { name: 'Projects', description: 'Projects, and secrets of other services kept in them.', errors: 'Refusal' },
  { name: 'Audit', description: 'What happened, and proof that nothing of it was changed.', errors: 'Refusal' },
  {
    name: 'Outgoing webhooks',
    description: 'Places that are told what happens, signed as Standard Webhooks has it. For operators.',
    errors: 'Refusal',
  },
  {
    name: 'Services',
    description: 'Services behind the gateway, which asks on behalf of the person.',
    errors: 'ServiceRefusal',
  },
  {
    name: 'Operators',
    description: 'What operators do for people, stepped up a short while ago; every act is an event with a reason.',
    errors: 'Refusal',
  },
  { name: 'Operator pages', description: 'The same for operators at their browser.', errors: 'PageRefusal' },
  { name: 'Sign-in pages', description: 'Where people sign in and out.', errors: 'PageRefusal' },
  {
    name: 'Other identity providers',
    description: 'Sign-in through OpenID Connect, OAuth, SAML, Supabase and hooks.',
    errors: 'Refusal',
  },
  { name: 'Account pages', description: 'Where people see and manage what is theirs.', errors: 'PageRefusal' },
  { name: 'Console', description: 'Pages on which operators see what happens and act on it.', errors: 'PageRefusal' },
  { name: 'Operation', description: 'For load balancers, operators and webhooks.', errors: 'Refusal' },
  { name: 'Reference', description: 'What you are reading.', errors: 'PageRefusal' },
]
