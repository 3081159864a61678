declare module 'netlify-redirector' {
  type Matcher = { match(request: object): { to?: string } | undefined }
  const redirector: { parseJSON(rules: string, options: object): Promise<Matcher> }
  export default redirector
}
