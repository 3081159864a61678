export type Service = {
  service_key: string
  display_name: string
  category: string
  description: string
  methods: readonly string[]
  /** Scopes that a request needs: to read, and for all other methods. */
  scopes: { read: string; write: string }
}

const ALL = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
const postOnly = (scope: string) => ({ methods: ['POST'], scopes: { read: scope, write: scope } })

/** The services that a key can be restricted to and that requests are routed to (docs/wire-contract.md 1.10). */
export const SERVICES: readonly Service[] = [
  {
    service_key: 'ai-chat',
    display_name: 'AI chat',
    category: 'ai',
    description: 'Chat completions',
    ...postOnly('ai:chat'),
  },
  {
    service_key: 'text-to-speech',
    display_name: 'Text to speech',
    category: 'media',
    description: 'Converts text to speech',
    ...postOnly('media:tts'),
  },
  {
    service_key: 'speech-to-text',
    display_name: 'Speech to text',
    category: 'media',
    description: 'Converts speech to text',
    ...postOnly('media:stt'),
  },
  {
    service_key: 'transcribe',
    display_name: 'Transcription',
    category: 'media',
    description: 'Transcribes recordings',
    ...postOnly('media:transcribe'),
  },
  {
    service_key: 'extract-tags',
    display_name: 'Tags',
    category: 'content',
    description: 'Suggests tags for a text',
    ...postOnly('content:tags'),
  },
  {
    service_key: 'generate-summary',
    display_name: 'Summaries',
    category: 'content',
    description: 'Summarizes a text',
    ...postOnly('content:summary'),
  },
  {
    service_key: 'generate-embedding',
    display_name: 'Embeddings',
    category: 'content',
    description: 'Creates an embedding of a text',
    ...postOnly('content:embedding'),
  },
  {
    service_key: 'memories',
    display_name: 'Memories',
    category: 'memory',
    description: 'Memories of the person',
    methods: ALL,
    scopes: { read: 'memories:read', write: 'memories:write' },
  },
  {
    service_key: 'memories-search',
    display_name: 'Memory search',
    category: 'memory',
    description: 'Searches memories',
    methods: ['GET', 'POST'],
    scopes: { read: 'memories:read', write: 'memories:read' },
  },
  {
    service_key: 'mcp-handler',
    display_name: 'MCP',
    category: 'mcp',
    description: 'The MCP server over HTTP',
    methods: ['GET', 'POST', 'DELETE'],
    scopes: { read: 'mcp:connect', write: 'mcp:connect' },
  },
  {
    service_key: 'webhook-handler',
    display_name: 'Webhooks',
    category: 'integration',
    description: 'Receives webhooks from other services',
    ...postOnly('api:access'),
  },
]

/** Whether a service of this name exists. */
export function isService(name: string): boolean {
  return SERVICES.some(({ service_key }) => service_key === name)
}
