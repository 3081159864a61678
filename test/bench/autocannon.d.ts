declare module 'autocannon' {
  export type Context = Record<string, string>
  export interface Request {
    method?: 'GET' | 'POST'
    path?: string
    headers?: Record<string, string>
    body?: string
    setupRequest?: (request: Request, context: Context) => Request | false
    onResponse?: (status: number, body: string, context: Context, headers: Record<string, string>) => void
  }
  export interface Options {
    url: string
    connections: number
    duration?: number
    amount?: number
    requests: Request[]
    initialContext?: Context
  }
  export interface Result {
    errors: number
    timeouts: number
    duration: number
  }
  export interface Instance extends PromiseLike<Result> {
    on(
      event: 'response',
      listener: (client: unknown, status: number, bytes: number, milliseconds: number) => void,
    ): this
    stop(): void
  }
  export default function autocannon(options: Options): Instance
}
