export type Service = {
  service_key: string
  display_name: string
  category: string
  description: string
  methods: readonly string[]
  /** Scopes that a request needs: to read, and for all other methods. */
  scopes: { read: string; write: string }
}

const POST = ['POST']
const ALL = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Key, display name, category, description, methods, and the scopes to read and to write, or one for both. */
const ROWS: [string, string, string, string, readonly string[], ...scopes: string[]][] = [
  ['ai-chat', 'AI chat', 'ai', 'Chat completions', POST, 'ai:chat'],
  ['text-to-speech', 'Text to speech', 'media', 'Converts text to speech', POST, 'media:tts'],
  ['speech-to-text', 'Speech to text', 'media', 'Converts speech to text', POST, 'media:stt'],
  ['transcribe', 'Transcription', 'media', 'Transcribes recordings', POST, 'media:transcribe'],
  ['extract-tags', 'Tags', 'content', 'Suggests tags for a text', POST, 'content:tags'],
  ['generate-summary', 'Summaries', 'content', 'Summarizes a text', POST, 'content:summary'],
  ['generate-embedding', 'Embeddings', 'content', 'Creates an embedding of a text', POST, 'content:embedding'],
  ['memories', 'Memories', 'memory', 'Memories of the person', ALL, 'memories:read', 'memories:write'],
  ['memories-search', 'Memory search', 'memory', 'Searches memories', ['GET', 'POST'], 'memories:read'],
  ['mcp-handler', 'MCP', 'mcp', 'The MCP server over HTTP', ['GET', 'POST', 'DELETE'], 'mcp:connect'],
  ['webhook-handler', 'Webhooks', 'integration', 'Receives webhooks from other services', POST, 'api:access'],
]

/** The services that a key can be restricted to and that requests are routed to (docs/wire-contract.md 1.10). */
export const SERVICES: readonly Service[] = ROWS.map(
  ([service_key, display_name, category, description, methods, read = '', write = read]) => ({
    ...{ service_key, display_name, category, description, methods },
    scopes: { read, write },
  }),
)

/** Whether a service of this name exists. */
export function isService(name: string): boolean {
  return SERVICES.some(({ service_key }) => service_key === name)
}
