import type { JSX } from 'hono/jsx/jsx-runtime'
import openapi from '../../netlify/openapi/openapi.json' with { type: 'json' }
import { ApiKeyPage } from '../../netlify/pages/api-key.tsx'
import { EndKeyPage, RotateKeyPage } from '../../netlify/pages/api-key-decisions.tsx'
import { ApiKeyFormPage } from '../../netlify/pages/api-key-form.tsx'
import type { ShownKey } from '../../netlify/pages/api-key-parts.tsx'
import { ApiKeysPage } from '../../netlify/pages/api-keys.tsx'
import { TesterFailedPage, TesterPage, TesterTokensPage } from '../../netlify/pages/auth-tester.tsx'
import { CliFailedPage, CliWelcomePage, PasteCodePage } from '../../netlify/pages/cli.tsx'
import { CodePage } from '../../netlify/pages/code.tsx'
import { ConsentPage } from '../../netlify/pages/consent.tsx'
import { scopeSentence } from '../../netlify/pages/copy.ts'
import { ErrorPage } from '../../netlify/pages/error-page.tsx'
import { DisownedPage, NotMePage } from '../../netlify/pages/not-me.tsx'
import { ReferencePage } from '../../netlify/pages/reference.tsx'
import { SignInPage } from '../../netlify/pages/sign-in.tsx'
import { ConfirmSignOutPage, SignedOutPage } from '../../netlify/pages/sign-out.tsx'
import { SignedInPage } from '../../netlify/pages/signed-in.tsx'

export const hostile = `"><script>document.title='owned'</script><img src=x onerror="document.title='owned'">'`
const longEmail = `${'firstname.middlename.lastname'.repeat(3)}@${'department.'.repeat(6)}example.com`
const longName = 'The Very Long-Winded Name Of A Quite Ordinary Notetaking Application For Distributed Teams'
const rightToLeft = 'مساعد الذاكرة \u202eevil'
const everyScope =
  'openid profile email offline_access memories:read memories:write memories:delete memories:* secrets:read mcp:connect mcp:tools mcp:full api-keys:write memories:team:read api:access admin:* acme:teleport legacy:full_access'

const signIn = { action: '/web/login', csrf: 'token' }
const code = {
  action: 'https://auth.lanonasis.com/web/login/code',
  resendAction: '/web/login/resend',
  startOverHref: '/web/login',
  csrf: 'token',
  address: 'ada@example.com',
  minutes: 10,
}
const claude = {
  name: 'Claude',
  host: 'claude.ai',
  redirectHost: 'claude.ai',
  firstParty: false,
  verified: true,
  uri: 'https://claude.ai',
  policyUri: 'https://claude.ai/privacy',
  tosUri: 'https://claude.ai/terms',
}
const consent = {
  action: '/oauth/consent',
  csrf: 'token',
  authorizationId: '0199b7c4-7c1e-7000-8000-000000000001',
  client: claude,
  account: { email: 'ada@example.com', name: 'Ada Lovelace' },
  scopes: scopes('mcp:full memories:read memories:write offline_access'),
  switchAccountHref: '/web/logout',
}
const error = {
  title: 'This sign-in link does not work',
  message: 'The application that sent you here asked to send you back to an address it never registered.',
  code: 'INVALID_REQUEST',
  requestId: '0199b7c4-7c1e-7f3a-9d52-0e6b1b0f2c11',
}
const signOut = { action: '/oauth/logout', csrf: 'token', email: 'ada@example.com', hidden: { state: 'xyz' } }
const signedIn = { email: 'ada@example.com', uai: error.requestId, signOutAction: '/web/logout', csrf: 'token' }

const now = new Date('2026-06-01T12:00:00Z')
const key: ShownKey = {
  id: '0199b7c4-7c1e-7000-8000-000000000002',
  name: 'Backup on my laptop',
  owner: 'person',
  status: 'active',
  preview: 'lano_1a2b…9f00',
  scopes: ['memories:read', 'memories:write'],
  createdAt: new Date('2026-01-01T12:00:00Z'),
  lastUsedAt: new Date('2026-06-01T11:55:00Z'),
  expiresAt: new Date('2026-06-04T12:00:00Z'),
  usesToday: 12,
}
const hostileKey: ShownKey = { ...key, name: hostile, preview: hostile, scopes: [hostile], owner: 'organization' }
const keyDetails = {
  base: '/account/api-keys',
  services: ['memories', 'ai-chat'],
  networks: ['203.0.113.0/24', '2001:db8::/32'],
  limits: ['100 calls a minute', '5 uses in all'],
  history: [{ type: 'ApiKeyRevoked', at: now, by: 'you', reason: 'lost' }],
  usage: [
    { day: '2026-06-01', uses: 12 },
    { day: '2026-05-31', uses: 4821 },
  ],
  now,
}
const keyForm = {
  action: '/account/api-keys',
  csrf: 'token',
  backHref: '/account/api-keys',
  groups: [{ area: 'Memories', scopes: ['memories:read', 'memories:write'] }],
  values: { scopes: ['memories:read'], days: '90' },
}

/** Every page in every state that looks or behaves differently, by name. */
const noticed = {
  ...{ id: 'id', uai: 'uai', sessionId: 'session', version: 1, disowned: false },
  ...{ browser: 'Chrome on macOS', network: '2001:db8:ffff::/48', noticedAt: new Date('2026-06-01T11:00:00Z') },
}
const disowned = {
  ended: { session: 1, token_family: 2, api_key: 1, agent_delegation: 0 },
  changes: [{ type: 'PasskeyRegistered' as const, at: noticed.noticedAt }],
  now: new Date('2026-06-01T12:00:00Z'),
}

export const states: Record<string, JSX.Element> = {
  'not-me': <NotMePage action="/web/not-me" csrf="token" token="token" place={noticed} now={disowned.now} />,
  'not-me-done': <DisownedPage {...disowned} />,
  'sign-in': <SignInPage {...signIn} />,
  'sign-in-for-client': (
    <SignInPage {...signIn} clientName="Claude" clientHost="claude.ai" returnTo="/oauth/authorize?a=b&c=d" />
  ),
  'sign-in-error': (
    <SignInPage
      {...signIn}
      email="ada@example"
      error={{ field: 'email', text: 'Enter an e-mail address such as name@example.com.' }}
    />
  ),
  'sign-in-notice': <SignInPage {...signIn} notice="You were away for a while, so please sign in again." />,
  'sign-in-long': (
    <SignInPage {...signIn} clientName={longName} clientHost={`${'sub.'.repeat(20)}example.com`} email={longEmail} />
  ),
  'sign-in-phone': <SignInPage {...signIn} phone="" switchHref="/web/login" />,
  'sign-in-phone-error': (
    <SignInPage
      {...signIn}
      phone="12"
      switchHref="/web/login"
      error={{ field: 'phone', text: 'This is not a mobile number.' }}
      clientName="Claude"
    />
  ),
  'sign-in-hostile': (
    <SignInPage
      {...signIn}
      csrf={hostile}
      clientName={hostile}
      clientHost={hostile}
      email={hostile}
      error={{ field: 'email', text: hostile }}
      notice={hostile}
      returnTo={hostile}
    />
  ),
  'code-sms': <CodePage {...code} address="+41791234567" channel="sms" />,
  code: <CodePage {...code} />,
  'code-for-client': (
    <CodePage
      {...code}
      action="/web/login/code"
      host="auth.lanonasis.com"
      clientName="Claude"
      address="a•••@example.com"
    />
  ),
  'code-error': (
    <CodePage
      {...code}
      minutes={1}
      wait={25}
      error={{ field: 'code', text: 'That code is wrong or too old. Check it, or ask for a new one.' }}
    />
  ),
  'code-limited': (
    <CodePage {...code} wait={1500} error={{ field: 'form', text: 'Too many codes or attempts.', wait: 1500 }} />
  ),
  'error-limited': (
    <ErrorPage
      {...error}
      title="Too many attempts"
      message="Too many requests."
      code="RATE_LIMITED"
      wait={2760}
      supportHref="https://lanonasis.com/support"
      actionHref="/web/login"
      actionLabel="Go to sign-in"
    />
  ),
  'sign-in-work': (
    <SignInPage
      {...signIn}
      error={{
        field: 'form',
        text: 'Too many codes or attempts.',
        wait: 60,
        work: {
          action: '/web/login',
          challenge: { parameters: { nonce: '00', salt: '00', cost: 1, keyLength: 32, keyPrefix: '' } },
        },
      }}
    />
  ),
  'sign-in-refused': (
    <SignInPage
      {...signIn}
      error={{ field: 'form', text: 'This account is suspended. It cannot be used to sign in.' }}
      supportHref="mailto:help@lanonasis.com"
    />
  ),
  'code-notice': (
    <CodePage {...code} action="/web/login/code" notice="We sent a new code. The one before no longer works." />
  ),
  'code-long': <CodePage {...code} address={longEmail} clientName={longName} />,
  'code-hostile': (
    <CodePage
      {...code}
      csrf={hostile}
      address={hostile}
      hidden={{ return_to: hostile, email: hostile }}
      error={{ field: 'code', text: hostile }}
      notice={hostile}
      clientName={hostile}
      host={hostile}
      startOverHref="javascript:document.title='owned'"
    />
  ),
  consent: (
    <ConsentPage {...consent} resources={[{ name: 'Memory service', identifier: 'https://mcp.lanonasis.com/mcp' }]} />
  ),
  'consent-first-party': (
    <ConsentPage
      {...consent}
      client={{
        name: 'LanOnasis Dashboard',
        redirectHost: 'dashboard.lanonasis.com',
        firstParty: true,
        verified: true,
      }}
      account={{ email: 'ada@example.com' }}
      scopes={scopes('memories:read profile')}
    />
  ),
  'consent-localhost': (
    <ConsentPage
      {...consent}
      client={{ name: 'My script', redirectHost: '127.0.0.1:8888', firstParty: false, verified: false }}
      scopes={scopes('memories:read')}
      warning="localhost"
    />
  ),
  'consent-terminal': (
    <ConsentPage
      {...consent}
      client={{ name: 'LanOnasis CLI', redirectHost: 'auth.lanonasis.com', firstParty: true, verified: true }}
      scopes={scopes('read write offline_access')}
      warning="terminal"
    />
  ),
  'cli-welcome': <CliWelcomePage email="ada@example.com" action="/auth/cli-login/token" csrf="token" />,
  'cli-welcome-hostile': <CliWelcomePage email={hostile} action="/auth/cli-login/token" csrf={hostile} />,
  'cli-paste': <PasteCodePage code="BCDFG-HJKLM" minutes={5} />,
  'cli-failed': <CliFailedPage denied={true} />,
  'consent-custom-scheme': (
    <ConsentPage
      {...consent}
      client={{ name: 'VS Code', redirectHost: 'vscode://lanonasis.mcp-client', firstParty: false, verified: true }}
      scopes={[]}
      warning="custom-scheme"
    />
  ),
  'consent-partly-granted': (
    <ConsentPage
      {...consent}
      scopes={[...scopes('memories:delete'), ...scopes('memories:read memories:write').map(granted)]}
    />
  ),
  'consent-all-granted': <ConsentPage {...consent} scopes={scopes('memories:read memories:write').map(granted)} />,
  'consent-long': (
    <ConsentPage
      {...consent}
      client={{ ...claude, name: longName, redirectHost: `${'sub.'.repeat(20)}example.com`, verified: false }}
      account={{ email: longEmail, name: longName }}
      scopes={scopes(everyScope)}
      resources={[{ name: longName, identifier: `https://example.com/${'path/'.repeat(30)}` }]}
    />
  ),
  'consent-right-to-left': (
    <ConsentPage
      {...consent}
      client={{ ...claude, name: rightToLeft, verified: false }}
      account={{ email: 'ada@example.com', name: 'ليلى حسن' }}
    />
  ),
  'consent-hostile': (
    <ConsentPage
      {...consent}
      csrf={hostile}
      authorizationId={hostile}
      client={{
        ...claude,
        name: hostile,
        host: hostile,
        redirectHost: hostile,
        uri: "javascript:document.title='owned'",
        policyUri: 'data:text/html,x',
        tosUri: '//evil.example',
      }}
      account={{ email: hostile, name: hostile }}
      scopes={scopes(`${hostile.replaceAll(' ', '')} memories:read`)}
      resources={[{ name: hostile, identifier: hostile }]}
      switchAccountHref="javascript:document.title='owned'"
    />
  ),
  error: <ErrorPage {...error} />,
  'error-with-action': (
    <ErrorPage
      {...error}
      title="Too many tries"
      message="You asked for a code too often."
      hint="Wait 15 minutes, then try again."
      code="RATE_LIMITED"
      actionHref="/web/login"
      actionLabel="Back to sign-in"
    />
  ),
  'error-hostile': (
    <ErrorPage
      title={hostile}
      message={hostile}
      code={hostile}
      requestId={hostile}
      hint={hostile}
      actionHref="javascript:document.title='owned'"
      actionLabel={hostile}
    />
  ),
  'signed-out': <SignedOutPage />,
  'signed-out-continue': <SignedOutPage continueHref="https://claude.ai/" continueHost="claude.ai" />,
  'signed-out-hostile': <SignedOutPage continueHref="javascript:document.title='owned'" continueHost={hostile} />,
  'confirm-sign-out': <ConfirmSignOutPage {...signOut} returnHref="https://dashboard.lanonasis.com" />,
  'confirm-sign-out-hostile': (
    <ConfirmSignOutPage
      {...signOut}
      csrf={hostile}
      email={hostile}
      returnHref="javascript:document.title='owned'"
      hidden={{ [hostile]: hostile }}
    />
  ),
  'api-keys': (
    <ApiKeysPage
      base="/account/api-keys"
      keys={[
        key,
        { ...key, id: `${key.id}a`, name: longName.repeat(2), scopes: everyScope.split(' '), expiresAt: undefined },
        { ...key, id: `${key.id}b`, status: 'quarantined', usesToday: 0, lastUsedAt: undefined },
        { ...key, id: `${key.id}c`, status: 'revoked' },
        { ...key, id: `${key.id}d`, status: 'expired', name: rightToLeft },
      ]}
      now={now}
      notice="The key no longer works."
    />
  ),
  'api-keys-none': <ApiKeysPage base="/account/api-keys" keys={[]} now={now} />,
  'api-keys-hostile': <ApiKeysPage base="/account/api-keys" keys={[hostileKey]} now={now} />,
  'api-key': <ApiKeyPage {...keyDetails} shown={key} description="What the backup uses." />,
  'api-key-hostile': (
    <ApiKeyPage
      {...keyDetails}
      shown={hostileKey}
      description={hostile}
      history={[{ type: hostile, at: now, by: hostile, reason: hostile }]}
    />
  ),
  'api-key-form': <ApiKeyFormPage {...keyForm} />,
  'api-key-form-hostile': (
    <ApiKeyFormPage
      {...keyForm}
      csrf={hostile}
      values={{ name: hostile, scopes: [hostile], days: hostile, networks: hostile, perMinute: hostile }}
      error={{ field: 'name', text: hostile }}
    />
  ),
  'api-key-rotate': <RotateKeyPage {...keyForm} name={key.name} />,
  'api-key-revoke': <EndKeyPage {...keyForm} name={longName} kind="revoke" />,
  'api-key-delete-hostile': <EndKeyPage {...keyForm} name={hostile} kind="delete" />,
  'signed-in': <SignedInPage {...signedIn} dashboardHref="https://dashboard.lanonasis.com" />,
  'signed-in-hostile': (
    <SignedInPage
      {...signedIn}
      email={hostile}
      uai={hostile}
      csrf={hostile}
      dashboardHref="javascript:document.title='owned'"
    />
  ),
  reference: <ReferencePage document={{ ...openapi, paths: fewPaths(openapi.paths) }} />,
  tester: <TesterPage scope="openid email" csrf="token" />,
  'tester-tokens': <TesterTokensPage answer={{ access_token: longName.repeat(9) }} accessToken={{ sub: 'ada' }} />,
  'tester-failed-hostile': <TesterFailedPage error={hostile} description={hostile} />,
}

function fewPaths(paths: Record<string, unknown>) {
  const few = ['/oauth/token', '/v1/auth/verify', '/v1/auth/api-keys/{id}', '/web/login']
  return Object.fromEntries(few.map((path) => [path, paths[path]]))
}

function scopes(names: string) {
  return names.split(' ').map((name) => ({ name, ...scopeSentence(name) }))
}

function granted<T>(scope: T) {
  return { ...scope, alreadyGranted: true }
}
