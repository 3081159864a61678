import type { ConnectionSettings } from '../domain/connection.ts'

const OIDC = { protocol: 'oidc' as const, scope: 'openid email profile' }

/** Settings that are the same for every connection to one of these providers. Replace `{tenant}`. */
export const PRESETS: Record<string, Partial<ConnectionSettings>> = {
  google: { ...OIDC, name: 'Google', issuer: 'https://accounts.google.com', trust_email: true },
  microsoft: { ...OIDC, name: 'Microsoft', issuer: 'https://login.microsoftonline.com/{tenant}/v2.0' },
  linkedin: { ...OIDC, name: 'LinkedIn', issuer: 'https://www.linkedin.com/oauth', auth_method: 'client_secret_post' },
  apple: {
    ...OIDC,
    name: 'Apple',
    issuer: 'https://appleid.apple.com',
    scope: 'openid email name',
    auth_method: 'apple',
    trust_email: true,
  },
  github: {
    protocol: 'oauth2',
    name: 'GitHub',
    authorization_endpoint: 'https://github.com/login/oauth/authorize',
    token_endpoint: 'https://github.com/login/oauth/access_token',
    userinfo_endpoint: 'https://api.github.com/user',
    emails_endpoint: 'https://api.github.com/user/emails',
    subject_member: 'id',
    scope: 'read:user user:email',
    auth_method: 'client_secret_post',
  },
  discord: {
    protocol: 'oauth2',
    name: 'Discord',
    authorization_endpoint: 'https://discord.com/oauth2/authorize',
    token_endpoint: 'https://discord.com/api/oauth2/token',
    userinfo_endpoint: 'https://discord.com/api/users/@me',
    subject_member: 'id',
    scope: 'identify email',
    auth_method: 'client_secret_post',
  },
}
