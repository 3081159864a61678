const CLIENT_OF_PLATFORM: Record<string, string> = {
  cli: 'lanonasis-cli',
  web: 'lanonasis-api-dashboard',
  api: 'lanonasis-api-dashboard',
  mcp: 'lanonasis-mcp-cli',
}

export const PLATFORMS = ['cli', 'web', 'api', 'mcp'] as const

/** Returns the first-party client of a sign-in that names no client. */
export function clientOfPlatform(platform: string): string {
  return CLIENT_OF_PLATFORM[platform] ?? 'lanonasis-cli'
}
