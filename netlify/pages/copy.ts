/** Every English sentence of the pages. `{name}` marks a place that `fill` replaces. */
export const copy = {
  lang: 'en',
  brand: 'LanOnasis',
  tagline: 'One identity, everywhere. No trackers.',
  titleError: 'Error: {title}',
  titleSite: '{title} · LanOnasis',
  unnamedClient: 'An unnamed application',
  notVerified: 'not verified',
  newTab: '(opens in a new tab)',
  copyIt: 'Copy',
  copied: 'Copied',
  cancel: 'Cancel',

  signIn: {
    title: 'Sign in',
    lead: 'Enter your e-mail address and we will send you a 6-digit code. You need no password.',
    leadFor: 'Enter your e-mail address and we will send you a 6-digit code to continue to {client}.',
    email: 'E-mail address',
    leadPhone: 'Enter your mobile number and we will send you a 6-digit code. You need no password.',
    leadPhoneFor: 'Enter your mobile number and we will send you a 6-digit code to continue to {client}.',
    phone: 'Mobile number',
    phoneHint: 'With its country code, such as +41 79 123 45 67.',
    phoneRisk: 'Someone else may take over a number. Keep another way to sign in.',
    byPhone: 'Get a code by text message',
    byEmail: 'Get a code by e-mail',
    submit: 'Send me a code',
    newcomer: 'New here? The same code creates your account.',
    providers: 'Other ways to sign in',
    provider: 'Continue with {name}',
    password: 'Sign in with a password',
    withoutMail: 'Sign in without mail',
    unnamedProvider: 'another service',
    linking: 'Your account at {provider} will be linked to the account that you sign in to now.',
  },
  code: {
    title: 'Check your e-mail',
    titleSms: 'Check your telephone',
    lead: 'We sent a 6-digit code to {address}. It works for {minutes}.',
    minute: '1 minute',
    minutes: '{count} minutes',
    label: '6-digit code',
    submit: 'Continue',
    submitFor: 'Continue to {client}',
    guardHere: 'Use this code only on this page. No one from LanOnasis will ever ask you for it.',
    guard: 'Use this code only on {host}. No one from LanOnasis will ever ask you for it.',
    missing: 'Nothing there? Look in your spam folder, then ask for a new code.',
    missingSms: 'Nothing there? A text message may take a minute. Then ask for a new code.',
    resend: 'Send a new code',
    sent: 'A new code is on its way.',
    paused:
      'Text messages to new numbers are paused for {wait}. If someone has signed in with this number before, a code is on its way. Everyone else can use an e-mail address.',
    wait: 'You can ask for a new code in {wait}.',
    startOver: 'Use another address',
    withoutMail: 'Sign in without mail',
  },
  form: {
    expired: 'This page was open for a long time. Check what it says, then send it again.',
    cookies:
      'Your browser did not send the cookie that this page needs. Allow cookies for {host}, then send the page again.',
  },
  work: {
    busy: 'There were many recent attempts.',
    working:
      'There were many recent attempts. Your browser is proving that it is not one of them. This takes a few seconds.',
    done: 'Your browser is done. Send the form again.',
  },
  wait: { again: 'Try again in {wait}.', over: 'You can try again now.' },
  consent: {
    title: 'Allow {client}?',
    heading: '{client} wants to use your LanOnasis account',
    firstParty: 'Made by LanOnasis',
    verified: 'Verified by LanOnasis',
    unverified: 'Not verified by LanOnasis',
    account: 'Signed in as',
    switchAccount: 'Use another account',
    destination: 'Sends you to',
    documentHost: 'Application from',
    resource: 'For use at',
    scopes: 'It will be able to',
    noScopes: 'It will only learn that you signed in.',
    granted: 'You have already allowed this',
    grantedCount: 'Already allowed ({count})',
    sensitive: 'Sensitive',
    warnings: {
      localhost:
        'This sends you to a program on this computer. Allow it only if you started this sign-in yourself, just now.',
      'custom-scheme':
        'This opens an app on this device, and any app can claim to be this one. Allow it only if you started this sign-in yourself, just now.',
      terminal:
        'This signs in a terminal with a code that you paste there. Allow it only if you started this yourself, just now, and don’t share the code: anyone who has it can sign in as you.',
    },
    details: 'Technical details',
    scopeNames: 'Scopes',
    resourceName: 'Resource',
    clientHost: 'Application address',
    website: 'Website',
    policy: 'Privacy policy',
    terms: 'Terms of service',
    allow: 'Allow',
    deny: 'Deny',
    footnote: 'If you deny, nothing is shared.',
  },
  error: {
    code: 'Error',
    reference: 'Reference',
    onward:
      'The application that sent this request wants you back at {host}. LanOnasis has not verified who is there. Continue only if you know it.',
    continueTo: 'Go on to {host}',
    support: 'Do you need help? Write to {support} and give the reference below.',
    supportPlain: 'Do you need help? Write to {support}.',
    suspended: 'Ask the administrator of your organization why, or sign in with another account.',
    notOperator:
      'You are signed in as {email}, which is not an operator account. Sign in with one, or ask your administrator.',
    otherAccount: 'Sign in with another account',
  },
  formPost: { title: 'Back to the application', submit: 'Continue to {host}' },
  signedOut: {
    title: 'You are signed out',
    lead: 'On a shared computer, also close the browser window.',
    continue: 'Continue',
    continueTo: 'Continue to {host}',
  },
  confirmSignOut: {
    title: 'Sign out?',
    lead: 'You are signed in as {email}. This ends your session here and in the applications that share it.',
    submit: 'Sign out',
    stay: 'Stay signed in',
    afterwards: 'You then go back to {host}.',
  },
  signedIn: {
    title: 'You are signed in',
    lead: 'You can close this page and go back to what you were doing.',
    account: 'Signed in as',
    uai: 'Your LanOnasis ID (UAI)',
    dashboard: 'Open the dashboard',
    signOut: 'Sign out',
  },
} as const

type ScopeSentence = { sentence: string; sensitive: boolean }

const nouns = new Map([
  ['memories', 'memories'],
  ['secrets', 'stored secrets'],
  ['profile', 'profile'],
  ['projects', 'projects'],
  ['analytics', 'usage analytics'],
  ['api-keys', 'API keys'],
  ['api_keys', 'API keys'],
  ['maple', 'Maple data'],
])

const verbs = new Map<string, { sentence: string; sensitive: boolean }>([
  ['read', { sentence: 'See your {noun}', sensitive: false }],
  ['write', { sentence: 'Add and change your {noun}', sensitive: false }],
  ['delete', { sentence: 'Delete your {noun} for good', sensitive: true }],
  ['manage', { sentence: 'Create, change and revoke your {noun}', sensitive: true }],
  ['*', { sentence: 'See, add, change and delete your {noun}', sensitive: true }],
])

const sentences = new Map<string, ScopeSentence>([
  ['openid', { sentence: 'Know who you are on LanOnasis', sensitive: false }],
  ['profile', { sentence: 'See your name and your LanOnasis ID', sensitive: false }],
  ['email', { sentence: 'See your e-mail address', sensitive: false }],
  ['offline_access', { sentence: 'Keep its access while you are away', sensitive: false }],
  ['read', { sentence: 'See your LanOnasis data', sensitive: false }],
  ['write', { sentence: 'Add and change your LanOnasis data', sensitive: false }],
  ['account:read', { sentence: 'See your LanOnasis account, its sign-ins and projects', sensitive: false }],
  ['account:write', { sentence: 'Change your LanOnasis account', sensitive: true }],
  ['admin', { sentence: 'Administer your organization', sensitive: true }],
  ['secrets:read', { sentence: 'Read your stored secrets', sensitive: true }],
  ['secrets:write', { sentence: 'Add and replace your stored secrets', sensitive: true }],
  ['profile:write', { sentence: 'Change your profile', sensitive: false }],
  ['profile:*', { sentence: 'See and change your profile', sensitive: false }],
  ['api-keys:read', { sentence: 'See a list of your API keys, never the keys themselves', sensitive: false }],
  ['api-keys:write', { sentence: 'Create, change and revoke your API keys', sensitive: true }],
  ['mcp:connect', { sentence: 'Connect to LanOnasis through MCP', sensitive: false }],
  ['mcp:read', { sentence: 'Read through your MCP connections', sensitive: false }],
  ['mcp:write', { sentence: 'Make changes through your MCP connections', sensitive: false }],
  ['mcp:tools', { sentence: 'Run LanOnasis tools for you through MCP', sensitive: false }],
  ['mcp:resources', { sentence: 'Read LanOnasis resources through MCP', sensitive: false }],
  ['mcp:prompts', { sentence: 'Use LanOnasis prompts through MCP', sensitive: false }],
  ['mcp:full', { sentence: 'Use all LanOnasis tools, resources and prompts through MCP', sensitive: true }],
  ['mcp:*', { sentence: 'Use everything LanOnasis offers through MCP', sensitive: true }],
  ['analytics:*', { sentence: 'See your usage analytics', sensitive: false }],
  ['ai:chat', { sentence: 'Chat with AI models on your account', sensitive: false }],
  ['ai:*', { sentence: 'Use all AI features on your account', sensitive: false }],
  ['media:tts', { sentence: 'Turn text into speech on your account', sensitive: false }],
  ['media:stt', { sentence: 'Turn speech into text on your account', sensitive: false }],
  ['media:transcribe', { sentence: 'Transcribe recordings on your account', sensitive: false }],
  ['media:*', { sentence: 'Use all speech and media features on your account', sensitive: false }],
  ['content:tags', { sentence: 'Suggest tags for your content', sensitive: false }],
  ['content:summary', { sentence: 'Summarize your content', sensitive: false }],
  ['content:embedding', { sentence: 'Index your content for search', sensitive: false }],
  ['content:*', { sentence: 'Tag, summarize and index your content', sensitive: false }],
  ['api:access', { sentence: 'Call the LanOnasis API for you', sensitive: false }],
  ['admin:*', { sentence: 'Administer your organization without limits', sensitive: true }],
  ['legacy:full_access', { sentence: 'Do everything your account can do', sensitive: true }],
  ['*', { sentence: 'Do everything your account can do', sensitive: true }],
])

/**
 * Describes what `scope` lets a client do. Scopes of a known noun and verb are composed (`memories:team:read`);
 * an unknown scope is quoted and counts as sensitive.
 */
export function scopeSentence(scope: string): ScopeSentence {
  const name = scope.replace(/^memory:/, 'memories:')
  const known = sentences.get(name)
  if (known) return known
  const [thing = '', ...rest] = name.split(':')
  const noun = nouns.get(thing)
  const verb = verbs.get(rest.at(-1) ?? '')
  if (!noun || !verb) return { sentence: `Use the permission “${scope}”`, sensitive: true }
  const area = rest.slice(0, -1).join(', ')
  return {
    sentence: fill(verb.sentence, { noun: area ? `${noun} (${area})` : noun }).join(''),
    sensitive: verb.sensitive || thing === 'secrets',
  }
}

/** Replaces the `{name}` placeholders of `template` with `parts`, which are not expanded again. */
export function fill<T>(template: string, parts: Record<string, T>): (T | string)[] {
  return template.split(/\{(\w+)\}/).map((piece, index) => (index % 2 ? (parts[piece] ?? '') : piece))
}
