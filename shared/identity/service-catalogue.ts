type Service = { service_key: string; display_name: string; category: string }

/** The services of the ecosystem that a key can be for (wire-contract 1.10). */
export const SERVICES: readonly Service[] = [
  { service_key: 'ai-chat', display_name: 'AI chat', category: 'ai' },
  { service_key: 'text-to-speech', display_name: 'Text to speech', category: 'media' },
  { service_key: 'speech-to-text', display_name: 'Speech to text', category: 'media' },
  { service_key: 'transcribe', display_name: 'Transcription', category: 'media' },
  { service_key: 'extract-tags', display_name: 'Tags', category: 'content' },
  { service_key: 'generate-summary', display_name: 'Summaries', category: 'content' },
  { service_key: 'generate-embedding', display_name: 'Embeddings', category: 'content' },
  { service_key: 'memories', display_name: 'Memories', category: 'memory' },
  { service_key: 'memories-search', display_name: 'Memory search', category: 'memory' },
  { service_key: 'mcp-handler', display_name: 'MCP', category: 'mcp' },
  { service_key: 'webhook-handler', display_name: 'Webhooks', category: 'integration' },
]

/** Whether a key can be for a service of this name. */
export function isService(name: string): boolean {
  return SERVICES.some(({ service_key }) => service_key === name)
}
