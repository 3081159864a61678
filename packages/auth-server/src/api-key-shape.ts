/** Whether a credential has the shape of an API key rather than of a token (docs/wire-contract.md 3.1). */
export function looksLikeApiKey(credential: string): boolean {
  return /^(lano|vx|lns|lms|pk|sk|vibe|master|vsec)_/.test(credential)
}
