import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadFunctions } from '../netlify/listen.ts'
import { createMatcher, readRedirects } from '../netlify/redirects.ts'
import { mirrorsOf } from '../shared/http/canonical-path.ts'

const SOURCES = globSync('{netlify,shared,supabase/functions,packages/*/src}/**/*.{ts,tsx,mjs}').sort()
const read = (file: string) => readFileSync(file, 'utf8')
const functionFiles = globSync('netlify/functions/*').sort()
const nameOf = (file: string) => path.basename(file, '.ts')
const redirects = readRedirects('netlify.toml')

type Import = { file: string; specifier: string; target: string; typeOnly: boolean }

function importsOf(file: string): Import[] {
  const statements = read(file).matchAll(
    /^\s*(?:import|export)\s+(type\s)?[^'"`;=(]*?\bfrom\s+['"]([^'"]+)['"]|\bimport\(\s*(?:type\s)?['"`]([^'"`]+)/gm,
  )
  return [...statements].map(([, type, from, dynamic]) => {
    const specifier = from ?? dynamic ?? ''
    const target = specifier.startsWith('.') ? path.join(path.dirname(file), specifier) : specifier
    return { file, specifier, target, typeOnly: Boolean(type) }
  })
}

/** What scopes are compared by. It imports nothing. */
const SCOPE = 'packages/auth-server/src/scope.ts'
/** What the gateway and the services that use it do alike. */
const ALIKE = ['api-key-shape', 'client-certificate', 'dpop-proof', 'equal-hash', 'signing-algorithms']
const BASE = [
  ...ALIKE.map((name) => `packages/auth-server/src/${name}.ts`),
  SCOPE,
  'shared/addresses.ts',
  'shared/array-types.ts',
  'shared/at-once.ts',
  'shared/config.ts',
  'shared/database-clock.ts',
  'shared/database-tls.ts',
  'shared/errors.ts',
  'shared/ids.ts',
  'shared/limits.ts',
  'shared/log.ts',
  'shared/once.ts',
  'shared/personal.ts',
  'shared/present.ts',
  'shared/telemetry.ts',
  'shared/version.ts',
  'shared/typed/',
]
const FACTORIES = ['shared/events/', 'shared/tokens/', 'shared/delivery/', 'shared/domain/', ...BASE]
const READS = ['shared/queries/', 'shared/gateway.ts', 'shared/start.ts', ...FACTORIES]
/** What every method may use. */
const COMMON = ['shared/call.ts', 'shared/access/', 'shared/http/', ...READS]
/** What serves several methods. */
const PEOPLE_AND_DELIVERY = ['shared/people/', 'shared/delivery/']
const METHODS = [
  ...['sign-in', 'sso', 'oauth', 'api-keys', 'operators', 'audit', 'services', 'sync'].map((name) => `shared/${name}/`),
  ...PEOPLE_AND_DELIVERY,
  ...COMMON,
]
/** The part of delivery that is wired into the gateway. */
const WIRED_DELIVERY = /^shared\/delivery\/(attempt|deliver|resend-status|sign|twilio-status)\.ts$/

/** What the edge functions, which import nothing of the gateway, parse by the same code. */
const EDGE_PARSERS = ['supabase/functions/_shared/email-address.ts', 'supabase/functions/_shared/phone-number.ts']

/** Where the files of a folder may import from, except packages; the first row that matches a file applies. */
const MAY_IMPORT: [files: RegExp, targets: string[]][] = [
  [/^shared\/typed\//, ['shared/typed/', 'shared/errors.ts', 'shared/once.ts', ...EDGE_PARSERS]],
  [/^shared\/domain\//, ['shared/domain/', SCOPE, 'shared/events/types.ts', 'shared/errors.ts']],
  [/^shared\/addresses\.ts$/, ['shared/domain/network.ts']],
  [
    /^shared\/(array-types|at-once|database-clock|database-tls|errors|ids|limits|once|present|telemetry|version)\.ts$/,
    [],
  ],
  [/^shared\/config(\.ts$|\/)/, ['shared/config/', 'shared/addresses.ts', 'shared/ids.ts', 'shared/limits.ts']],
  [/^shared\/tracing\.ts$/, ['shared/telemetry.ts']],
  [/^shared\/http\/ensure-tracing\.ts$/, ['shared/tracing.ts', ...BASE]],
  [/^shared\/(log|personal)\.ts$/, ['shared/config.ts', 'shared/errors.ts', 'shared/tokens/']],
  [/^shared\/call\.ts$/, ['shared/errors.ts', 'shared/gateway.ts', 'shared/ids.ts', 'shared/log.ts']],
  [/^shared\/http\/call\.ts$/, ['shared/http/', 'shared/call.ts', 'shared/gateway.ts', ...BASE]],
  [/^shared\/http\/rate-limit\.ts$/, ['shared/http/', 'shared/gateway.ts', ...FACTORIES]],
  [/^shared\/http\//, ['shared/http/', 'shared/call.ts', ...BASE]],
  [/^shared\/tokens\//, ['shared/queries/', ...FACTORIES]],
  [/^shared\/events\//, FACTORIES],
  [WIRED_DELIVERY, FACTORIES],
  [/^shared\/start\.ts$/, ['shared/queries/', ...FACTORIES]],
  [
    /^shared\/gateway\.ts$/,
    ['shared/http/', 'shared/queries/opening.ts', 'shared/start.ts', 'shared/audit/lost-history.ts', ...FACTORIES],
  ],
  [/^shared\/queries\//, READS],
  [/^shared\/access\//, ['shared/people/sign-in-places.ts', ...COMMON]],
  [/^shared\/delivery\//, ['shared/people/code-address.ts', ...COMMON]],
  [/^shared\/people\//, ['shared/sso/supabase-project.ts', ...PEOPLE_AND_DELIVERY, ...COMMON]],
  [
    /^shared\/sign-in\//,
    [
      'shared/sign-in/',
      'shared/oauth/authorize/authorize-url.ts',
      'shared/oauth/clients/redirect-uri.ts',
      'shared/oauth/token/scope.ts',
      'shared/oauth/token/token-family.ts',
      'shared/oauth/token/token-response.ts',
      'shared/audit/blast-radius.ts',
      'shared/sso/call-hook.ts',
      ...PEOPLE_AND_DELIVERY,
      ...COMMON,
    ],
  ],
  [
    /^shared\/sso\//,
    [
      'shared/sso/',
      'shared/sign-in/',
      'shared/oauth/clients/',
      'shared/oauth/token/',
      ...PEOPLE_AND_DELIVERY,
      ...COMMON,
    ],
  ],
  [
    /^shared\/oauth\//,
    [
      'shared/oauth/',
      'shared/api-keys/key-lineage.ts',
      'shared/sign-in/complete.ts',
      'shared/sign-in/external-sign-in.ts',
      'shared/sso/oauth-client.ts',
      ...PEOPLE_AND_DELIVERY,
      ...COMMON,
    ],
  ],
  [/^shared\/api-keys\//, ['shared/api-keys/', 'shared/delivery/', ...COMMON]],
  [/^shared\/audit\//, ['shared/audit/', 'shared/api-keys/key-lineage.ts', 'shared/delivery/', ...COMMON]],
  [
    /^shared\/operators\//,
    [
      'shared/operators/',
      'shared/api-keys/key-lineage.ts',
      'shared/audit/blast-radius.ts',
      'shared/sign-in/factors/factor-codes.ts',
      ...PEOPLE_AND_DELIVERY,
      ...COMMON,
    ],
  ],
  [/^shared\/services\//, ['shared/services/', ...COMMON]],
  [
    /^shared\/sync\//,
    [
      'shared/sync/',
      'shared/api-keys/',
      'shared/sign-in/',
      'shared/sso/supabase-project.ts',
      ...PEOPLE_AND_DELIVERY,
      ...COMMON,
    ],
  ],
  [/^netlify\/functions\/openapi\.ts$/, ['netlify/openapi/description.ts', 'netlify/pages/', ...METHODS]],
  [
    /^netlify\/functions\//,
    [
      'netlify/pages/',
      'netlify/openapi/schemas.ts',
      'netlify/openapi/oauth-schemas.ts',
      'netlify/openapi/key-schemas.ts',
      ...METHODS,
    ],
  ],
  [/^netlify\/pages\//, ['netlify/pages/', ...METHODS]],
  [/^netlify\/openapi\//, ['netlify/openapi/', 'shared/http/', 'shared/errors.ts']],
  [
    /^netlify\//,
    [
      'netlify/',
      'shared/http/',
      'shared/gateway.ts',
      'shared/start.ts',
      'shared/queries/health.ts',
      'shared/queries/log-lag.ts',
      ...BASE,
    ],
  ],
  [/^packages\/auth-cli\//, ['packages/auth-cli/src/']],
  [/^packages\/auth-server\//, ['packages/auth-server/src/']],
  [/^supabase\/functions\/_shared\//, ['supabase/functions/_shared/']],
  [/^supabase\/functions\//, ['supabase/functions/']],
]

const offences = (wrong: (one: Import) => boolean, files = SOURCES) =>
  files
    .flatMap(importsOf)
    .filter(wrong)
    .map(({ file, specifier }) => `${file} imports ${specifier}`)

describe('imports', () => {
  test('every source file has a rule', () => {
    expect(SOURCES.filter((file) => !MAY_IMPORT.some(([files]) => files.test(file)))).toEqual([])
  })

  test('go only in the directions of the architecture', () => {
    const allowed = (file: string) => MAY_IMPORT.find(([files]) => files.test(file))?.[1] ?? []
    expect(
      offences(
        ({ file, specifier, target }) =>
          specifier.startsWith('.') && !allowed(file).some((prefix) => target.startsWith(prefix)),
      ),
    ).toEqual([])
  })

  test('of a function never name another function', () => {
    expect(offences(({ target }) => target.startsWith('netlify/functions/'), functionFiles)).toEqual([])
  })

  test('of the domain are types, and never a package', () => {
    const domain = SOURCES.filter((file) => file.startsWith('shared/domain/'))
    expect(
      offences(({ target, typeOnly }) => !typeOnly && !target.startsWith('shared/domain/') && target !== SCOPE, domain),
    ).toEqual([])
  })

  test('of Hono and its context stay in netlify and shared/http', () => {
    const below = SOURCES.filter((file) => file.startsWith('shared/') && !file.startsWith('shared/http/'))
    expect(
      offences(({ specifier, target }) => /^hono\b/.test(specifier) || target === 'shared/http/app.ts', below),
    ).toEqual([])
  })

  test('of what services install lead to its dependencies and Node alone', () => {
    const foreign = SOURCES.filter((file) => file.startsWith('packages/')).flatMap((file) => {
      const { dependencies = {} } = JSON.parse(read(file.replace(/src\/.*/, 'package.json')))
      const isIts = (name: string) => name.startsWith('node:') || Object.hasOwn(dependencies, name)
      return importsOf(file).filter(({ specifier }) => !specifier.startsWith('.') && !isIts(specifier))
    })
    expect(foreign).toEqual([])
  })

  test('of mail and SMS clients are only in the edge functions', () => {
    const gateway = SOURCES.filter((file) => !file.startsWith('supabase/'))
    expect(offences(({ specifier }) => /^(npm:)?(twilio|resend)\b/.test(specifier), gateway)).toEqual([])
  })
})

test('what a file exports, another one names; programs and what services install excepted', () => {
  const files = globSync('{netlify,shared,scripts,supabase,test,packages}/**/*.{ts,tsx,mjs}', {
    exclude: (file) => file.includes('node_modules'),
  })
  const holders = new Map<string, number>()
  for (const file of files)
    for (const word of new Set(read(file).match(/\w+/g))) holders.set(word, (holders.get(word) ?? 0) + 1)
  const sources = files.filter((file) => /^(netlify|shared|scripts)\//.test(file))
  const unused = sources.flatMap((file) =>
    [...read(file).matchAll(/^export (?:async )?(?:function|const|type|class) (\w+)/gm)]
      .map(([, name = '']) => name)
      .filter((name) => holders.get(name) === 1 && !name.endsWith('Program'))
      .map((name) => `${file} ${name}`),
  )
  expect(unused).toEqual([])
})

test('a file has at most 300 lines, except catalogues of texts and the verifier that auditors take along', () => {
  const long = [...SOURCES, ...globSync('scripts/**/*.{ts,mjs}')].filter((file) => read(file).split('\n').length > 301)
  const catalogues = ['de', 'en', 'es', 'fr', 'pt'].map((language) => `netlify/pages/texts/texts-${language}.ts`)
  expect(long).toEqual([...catalogues, 'shared/errors.ts', 'scripts/verify-export.mjs'])
})

describe('a sign-in', () => {
  /** The files that import a name from a file. */
  const importersOf = (name: string, target: string) =>
    SOURCES.filter((file) =>
      [...read(file).matchAll(/^import ([^'"]*?) from '(\.[^']+)'/gm)].some(
        ([, names = '', from = '']) =>
          path.join(path.dirname(file), from) === target && new RegExp(`\\b${name}\\b`).test(names),
      ),
    )

  test.each(['startSession', 'strengthenSession'])('calls %s in complete.ts only', (name) => {
    expect(importersOf(name, 'shared/sign-in/start-session.ts')).toEqual(['shared/sign-in/complete.ts'])
  })

  test.each(['begin', 'stepUp', 'recover'])('decides %s of a session in start-session.ts only', (name) => {
    expect(importersOf(name, 'shared/domain/session.ts')).toEqual(['shared/sign-in/start-session.ts'])
  })

  test.each(['hooksFor', 'beforeSignIn', 'afterSignIn'])('calls %s in complete.ts only', (name) => {
    expect(importersOf(name, 'shared/sign-in/sign-in-hooks.ts')).toEqual(['shared/sign-in/complete.ts'])
  })

  test('has its cookies set by one file, which one other calls', () => {
    const sets = /\bsetCookie\(\s*(SESSION_COOKIE|USER_COOKIE|knownBrowserName)/
    expect(SOURCES.filter((file) => sets.test(read(file)))).toEqual(['shared/http/cookies.ts'])
    expect(importersOf('setSessionCookies', 'shared/http/cookies.ts')).toEqual(['netlify/pages/sign-in-response.ts'])
  })
})

describe('a form', () => {
  const gateway = SOURCES.filter((file) => !file.startsWith('supabase/'))

  test('is read by one helper, whose body is split into pairs once', () => {
    const readers = gateway.filter((file) => /\breadForm\b|\bparseForm\b/.test(read(file)))
    expect(readers).toEqual(['netlify/pages/form.ts', 'shared/http/body.ts'])
    const splitters = gateway.filter((file) => /new URLSearchParams\(await\b/.test(read(file)))
    expect(splitters).toEqual(['shared/http/call.ts'])
  })

  test('shows an error where the catalogue says, not by a pattern on its name', () => {
    const patterns =
      /\.(test|exec)\([^)]*\b(refusal|error\.code)\)|\b(refusal|error\.code)\.(startsWith|endsWith|includes|match)\(/
    expect(gateway.filter((file) => patterns.test(read(file)))).toEqual([])
  })

  test('has guards that throw a redirect or an error, and return no response', () => {
    expect(gateway.filter((file) => /[^|]\b(?!Response\b)\w+ \| Response\b/.test(read(file)))).toEqual([])
  })
})

describe('the edges of the system', () => {
  test('only config.ts reads the environment', () => {
    const gateway = SOURCES.filter((file) => !/^(supabase|packages\/auth-cli)\//.test(file))
    expect(gateway.filter((file) => /process\.env|import\.meta\.env/.test(read(file)))).toEqual(['shared/config.ts'])
  })

  test('only ids.ts makes ids', () => {
    const made = SOURCES.filter((file) => /['"]uuidv7['"]|randomUUID|gen_random_uuid|\buuidv?4\b/.test(read(file)))
    expect(made).toEqual(['shared/ids.ts'])
  })

  test('only caches use the clock of this machine; methods take the time from the call', () => {
    const methods = /^shared\/(access|people|sign-in|sso|oauth|api-keys|operators|audit|delivery|services|sync)\//
    const timed = SOURCES.filter((file) => methods.test(file) && /\bnew Date\(\)|\bDate\.now\b/.test(read(file)))
    expect(timed).toEqual([
      'shared/api-keys/scanner-keys.ts',
      'shared/oauth/token/client-keys.ts',
      'shared/sso/oauth-client.ts',
      'shared/sso/supabase-project.ts',
    ])
  })

  test('SQL is only in queries, the event store and the rate limit', () => {
    const gateway = SOURCES.filter((file) => !file.startsWith('supabase/'))
    const withSql = gateway.filter((file) =>
      /\b(select|returning)\b[^'\n]*\s+from\s+\w|\binsert\s+into\s|\bdelete\s+from\s|\bupdate\s+\w+\s+set\s|[`'"]\s*select\s/i.test(
        read(file),
      ),
    )
    expect(
      withSql.filter((file) => !/^shared\/(queries\/|events\/store\.ts$|http\/rate-limit\.ts$)/.test(file)),
    ).toEqual([])
  })

  test('the domain has no clock and no randomness', () => {
    const domain = SOURCES.filter((file) => file.startsWith('shared/domain/'))
    expect(domain.filter((file) => /new Date\(\)|Date\.now|Math\.random|crypto|fetch\(/.test(read(file)))).toEqual([])
  })
})

describe('the redirect table', () => {
  test('names only functions that exist', () => {
    const existing = new Set(functionFiles.map(nameOf))
    const named = redirects.map(({ functionName }) => functionName)
    expect([...new Set(named)].filter((name) => !existing.has(name))).toEqual([])
  })

  test('leads to every function that has no schedule', () => {
    const named = new Set(redirects.map(({ functionName }) => functionName))
    const unreachable = functionFiles.filter((file) => !named.has(nameOf(file)) && !/\bschedule:/.test(read(file)))
    expect(unreachable).toEqual([])
  })

  test('leads to a function at the path that spells its name: /account, /v1/auth/otp', () => {
    const match = createMatcher(redirects)
    const paths = redirects.map(({ from }) => from.replace(/\/\*$/, ''))
    const spelled = (path: string) => path.replace(/^\/(v1\/(auth\/)?)?/, '').replaceAll('/', '-')
    const elsewhere = functionFiles.map(nameOf).filter((name) => {
      const own = paths.filter((path) => spelled(path) === name)
      return own.length > 0 && !own.some((path) => match(path) === name)
    })
    expect(elsewhere).toEqual([])
  })

  test('leads to every route of every function, mirrors included', async () => {
    const match = createMatcher(redirects)
    const functions = await loadFunctions(redirects)
    const served = [...functions].flatMap(([name, { app }]) => (app?.routes ?? []).map(({ path }) => ({ name, path })))
    expect(served.length).toBeGreaterThan(200)
    const lost = served.flatMap(({ name, path }) =>
      mirrorsOf(
        path.replace(/:\w+(\{([^}|]*)[^}]*\})?\??/g, (_, __, choice) => (choice && choice !== '.+' ? choice : 'x')),
      )
        .filter((route) => match(route) !== name)
        .map((route) => `${route} of ${name} goes to ${match(route)}`),
    )
    expect(lost).toEqual([])
  })
})
