import type { ClientMetadata } from '../../shared/domain/api-client.ts'

/** What a client of others sends, by its public sources and documentation. */
export type RealClient = {
  name: string
  /** It registers itself with this (RFC 7591), publishes this as its metadata document, or an operator has added it with this. */
  registers?: Record<string, unknown>
  publishes?: Record<string, unknown>
  added?: Partial<ClientMetadata>
  redirect: string
  /** Its authorization request except client_id, redirect_uri, response_type, state and PKCE; undefined omits one. */
  asks?: Record<string, string | undefined>
  /** How it authenticates to the token endpoint: by its id alone where left out. */
  authenticates?: 'basic' | 'post' | 'basic without secret'
  /** What else it sends with a token request. */
  headers?: Record<string, string>
  /** Where the page is that calls the token endpoint. */
  origin?: string
}

const MCP = 'https://mcp.lanonasis.com/mcp'
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'
const CODE = { grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }
const PUBLIC = { ...CODE, token_endpoint_auth_method: 'none' }
const asksMcp = { scope: 'memories:read mcp:connect', resource: MCP }

const vscode = {
  client_name: 'Visual Studio Code',
  client_uri: 'https://code.visualstudio.com',
  grant_types: ['authorization_code', 'refresh_token', DEVICE],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
  application_type: 'native',
}
const vscodeRegisters = {
  ...vscode,
  redirect_uris: [
    'https://insiders.vscode.dev/redirect',
    'https://vscode.dev/redirect',
    'http://127.0.0.1/',
    'http://127.0.0.1:33418/',
  ],
}
const cursor = {
  ...PUBLIC,
  client_name: 'Cursor',
  redirect_uris: [
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'https://www.cursor.com/agents/mcp/oauth/callback',
    'http://localhost:8787/callback',
  ],
}
const oidcAgent = {
  application_type: 'web',
  client_name: 'oidc-agent:work',
  client_uri: 'https://github.com/indigo-dc/oidc-agent',
  redirect_uris: [
    'edu.kit.data.oidc-agent:/redirect',
    'http://localhost:8080',
    'http://localhost:43985',
    'http://localhost:4242',
  ],
  grant_types: ['authorization_code', 'refresh_token', DEVICE],
  response_types: ['code', 'token'],
}
const agentAsks = { scope: 'openid profile offline_access', prompt: 'consent' }
const browser = {
  application_type: 'web' as const,
  token_endpoint_auth_method: 'none' as const,
  redirect_uris: ['https://spa.example/login/callback', 'http://localhost:5173/login/callback'],
  scope: 'openid profile email offline_access',
}
const page = { redirect: 'https://spa.example/login/callback', origin: 'https://spa.example' }

export const REAL_CLIENTS: RealClient[] = [
  {
    name: 'VS Code, relayed by vscode.dev',
    registers: vscodeRegisters,
    redirect: 'https://vscode.dev/redirect',
    asks: { ...asksMcp, state: 'vscode://dynamicauthprovider/mcp/authorize?nonce=b64%3D%3D' },
  },
  { name: 'VS Code on loopback', registers: vscodeRegisters, redirect: 'http://127.0.0.1:51223/', asks: asksMcp },
  {
    name: 'VS Code by its document',
    publishes: { ...vscode, redirect_uris: ['http://127.0.0.1:33418/', 'https://vscode.dev/redirect'] },
    redirect: 'http://127.0.0.1:33418/',
    asks: { scope: undefined, resource: MCP },
  },
  { name: 'Cursor', registers: cursor, redirect: 'cursor://anysphere.cursor-mcp/oauth/callback', asks: asksMcp },
  {
    name: 'Cursor agents',
    registers: cursor,
    redirect: 'https://www.cursor.com/agents/mcp/oauth/callback',
    asks: asksMcp,
  },
  {
    name: 'Windsurf',
    registers: { ...PUBLIC, client_name: 'Windsurf', redirect_uris: ['windsurf://codeium.windsurf'] },
    redirect: 'windsurf://codeium.windsurf',
    asks: asksMcp,
  },
  {
    name: 'Claude',
    registers: {
      ...CODE,
      client_name: 'Claude',
      redirect_uris: ['https://claude.ai/api/mcp/auth_callback'],
      token_endpoint_auth_method: 'client_secret_post',
      scope: 'claudeai',
    },
    redirect: 'https://claude.ai/api/mcp/auth_callback',
    asks: asksMcp,
    authenticates: 'post',
  },
  {
    name: 'Claude Code',
    registers: {
      ...PUBLIC,
      client_name: 'Claude Code (memory)',
      application_type: 'native',
      redirect_uris: ['http://localhost:3118/callback'],
    },
    redirect: 'http://localhost:3118/callback',
    asks: { scope: 'memories:read memories:write mcp:connect offline_access', prompt: 'consent', resource: MCP },
  },
  {
    name: 'Claude Code by its document',
    publishes: {
      ...PUBLIC,
      client_name: 'Claude Code',
      client_uri: 'https://claude.ai',
      redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
    },
    redirect: 'http://localhost:61337/callback',
    asks: { scope: undefined, resource: MCP },
  },
  ...['https://chatgpt.com/connector_platform_oauth_redirect', 'https://chatgpt.com/connector/oauth/OUbdUMlL15Ct'].map(
    (redirect) => ({
      name: `ChatGPT at ${new URL(redirect).pathname.split('/')[1]}`,
      registers: { ...PUBLIC, client_name: 'ChatGPT', redirect_uris: [redirect] },
      redirect,
      asks: { scope: 'memories:read offline_access', resource: MCP },
    }),
  ),
  {
    name: 'Gemini CLI',
    registers: {
      ...PUBLIC,
      client_name: 'Gemini CLI MCP Client',
      redirect_uris: ['http://localhost:7777/oauth/callback'],
      code_challenge_method: ['S256'],
      scope: '',
    },
    redirect: 'http://localhost:7777/oauth/callback',
    asks: { scope: undefined, resource: MCP },
  },
  {
    name: 'MCP Inspector',
    registers: {
      ...PUBLIC,
      client_name: 'MCP Inspector',
      client_uri: 'https://github.com/modelcontextprotocol/inspector',
      redirect_uris: ['http://localhost:6274/oauth/callback'],
      scope: '',
    },
    redirect: 'http://localhost:6274/oauth/callback',
    asks: { ...asksMcp, scope: '' },
    origin: 'http://localhost:6274',
    headers: { 'mcp-protocol-version': '2025-11-25' },
  },
  {
    name: 'mcp-remote',
    registers: {
      ...PUBLIC,
      client_name: 'MCP CLI Proxy',
      client_uri: 'https://github.com/modelcontextprotocol/mcp-cli',
      software_id: '2e6dc280-f3c3-4e01-99a7-8181dbd1d23d',
      software_version: '0.1.30',
      redirect_uris: ['http://localhost:3334/oauth/callback'],
    },
    redirect: 'http://localhost:3334/oauth/callback',
    asks: { scope: 'openid email profile', resource: MCP },
  },
  { name: 'oidc-agent', registers: oidcAgent, redirect: 'http://localhost:4242', asks: agentAsks },
  {
    name: 'oidc-agent as an app, with an empty secret',
    registers: oidcAgent,
    redirect: 'edu.kit.data.oidc-agent:/redirect',
    asks: agentAsks,
    authenticates: 'basic without secret',
  },
  {
    name: 'oidc-agent with a secret',
    registers: { ...oidcAgent, token_endpoint_auth_method: 'client_secret_basic' },
    redirect: 'http://localhost:43985',
    asks: agentAsks,
    authenticates: 'basic',
  },
  ...['query', 'fragment'].map((response_mode) => ({
    ...page,
    name: `okta-auth-js by ${response_mode}`,
    added: browser,
    asks: { scope: 'openid email offline_access', nonce: 'n-0S6_WzA2Mj', response_mode },
    headers: { 'x-okta-user-agent-extended': 'okta-auth-js/7.12.1' },
  })),
  {
    ...page,
    name: 'keycloak-js',
    added: browser,
    asks: { scope: 'openid', nonce: '5b2fa0b4-4bf0-4a3e-ab87-5ba6ee4c7d3f', response_mode: 'fragment' },
  },
  {
    name: 'keycloak-js in development, registered',
    registers: { client_name: 'Vite app', redirect_uris: ['http://localhost:5173/'], scope: 'openid profile' },
    redirect: 'http://localhost:5173/',
    origin: 'http://localhost:5173',
    asks: { scope: 'openid', nonce: '5b2fa0b4-4bf0-4a3e-ab87-5ba6ee4c7d3f', response_mode: 'fragment' },
  },
  {
    ...page,
    name: 'oidc-client-ts',
    added: browser,
    asks: { scope: 'openid profile', display: 'page', ui_locales: 'de' },
  },
  {
    name: 'AppAuth',
    registers: {
      application_type: 'native',
      redirect_uris: ['com.example.app:/oauth2redirect'],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      subject_type: 'public',
      scope: 'openid profile',
    },
    redirect: 'com.example.app:/oauth2redirect',
    asks: { scope: 'openid profile', nonce: 'K1m2n3O4p5' },
  },
]
