const CLIENT_OF_PLATFORM: Record<string, string> = {
  cli: 'lanonasis-cli',
  web: 'lanonasis-api-dashboard',
  api: 'lanonasis-api-dashboard',
  mcp: 'lanonasis-mcp-cli',
}

export const PLATFORMS = ['cli', 'web', 'api', 'mcp'] as const

/** The first-party client that a sign-in without a client is for. */
export function clientOfPlatform(platform: string): string {
  return CLIENT_OF_PLATFORM[platform] ?? 'lanonasis-cli'
}
