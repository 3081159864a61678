/** The tags of the document in order, each with the error response of its operations. */
export const TAGS = [
  {
    name: 'OAuth 2.1 and OpenID Connect',
    description: 'Tokens for applications, services and agents.',
    errors: 'OAuthRefusal',
  },
  { name: 'Authorization pages', description: 'Pages to which applications redirect browsers.', errors: 'PageRefusal' },
  { name: 'Discovery', description: 'Metadata documents for clients.', errors: 'OAuthRefusal' },
  { name: 'Verification', description: 'Credential verification for services and proxies.', errors: 'Refusal' },
  { name: 'Sign-in', description: 'Direct sign-in for programs that prompt for the factor.', errors: 'Refusal' },
  {
    name: 'Account and sessions',
    description: 'The profile and sessions of the caller.',
    errors: 'Refusal',
  },
  {
    name: 'Identities',
    description: 'Vendor accounts and UAIs, for services that read, link or merge them.',
    errors: 'Refusal',
  },
  { name: 'API keys', description: 'API keys of a person or an organization.', errors: 'Refusal' },
  { name: 'Projects', description: 'Projects, and the secrets of other services stored in them.', errors: 'Refusal' },
  { name: 'Audit', description: 'The event log, with proofs of its integrity.', errors: 'Refusal' },
  {
    name: 'Outgoing webhooks',
    description: 'Event notifications signed according to Standard Webhooks. For operators.',
    errors: 'Refusal',
  },
  {
    name: 'Services',
    description: 'Services behind the gateway, called on behalf of a person.',
    errors: 'ServiceRefusal',
  },
  {
    name: 'Operators',
    description: 'Operator actions, which need a recent step-up. Every action is recorded with a reason.',
    errors: 'Refusal',
  },
  { name: 'Operator pages', description: 'Operator actions in the browser.', errors: 'PageRefusal' },
  { name: 'Sign-in pages', description: 'Pages to sign in and out.', errors: 'PageRefusal' },
  {
    name: 'Other identity providers',
    description: 'Sign-in with OpenID Connect, OAuth, SAML, Supabase and hooks.',
    errors: 'Refusal',
  },
  { name: 'Account pages', description: 'Pages on which people manage their account.', errors: 'PageRefusal' },
  { name: 'Console', description: 'Pages to monitor and administer the gateway.', errors: 'PageRefusal' },
  { name: 'Operation', description: 'For load balancers, operators and webhooks.', errors: 'Refusal' },
  { name: 'Reference', description: 'This document.', errors: 'PageRefusal' },
]
