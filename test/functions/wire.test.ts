import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { useGateway } from '../support/gateway.ts'

const gateway = useGateway()

/** Sends bytes as they are and answers the status line's code; 0 when the server just hung up. */
function raw(head: string): Promise<number> {
  const { port } = new URL(gateway.url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(head))
    let answer = ''
    socket.setTimeout(5_000, () => reject(new Error(`no answer to ${head.slice(0, 80)}`)))
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('error', () => resolve(0))
    socket.on('close', () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)))
  })
}

const request = (method: string, target: string, headers = '', body = '') =>
  raw(`${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n${headers}\r\n${body}`)

const form = 'Content-Type: application/x-www-form-urlencoded\r\n'

test.each([
  '/%',
  '/%00',
  '/%E0%A4%A',
  '/oauth/%E0%A4%A',
  '/oauth/token%2f..%2fauthorize',
  '//evil.example/oauth/authorize',
  '/\\evil.example',
  '/oauth/authorize?%',
  '/oauth/authorize?client_id=%00',
  '/oauth/authorize?client_id=%FF%FE',
  '/oauth/authorize?client_id=auth-tester&redirect_uri=%ED%A0%80',
  '/web/login?return_to=%',
  '/v1/auth/sessions/%2e%2e',
  '/.well-known/openid-configuration/../../etc/passwd',
  'http://evil.example/oauth/authorize',
  '*',
  '',
  `/oauth/authorize?x=${'y'.repeat(12_000)}`,
  `/oauth/authorize?${'a=1&'.repeat(3_000)}`,
])('4xx or a page, never 5xx, for the target %j', async (target) => {
  for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE']) expect(await request(method, target)).toBeLessThan(500)
})

test.each([
  ['a bad cookie', 'Cookie: lanonasis_session=%; lanonasis_browser=%E0%A4%A; =; ;;; a\r\n'],
  ['a huge cookie', `Cookie: lanonasis_session=${'x'.repeat(10_000)}\r\n`],
  ['bytes beyond ASCII', 'Authorization: Bearer \xff\xfe\r\nUser-Agent: \xff\r\n'],
  ['two authorizations', 'Authorization: Bearer a\r\nAuthorization: Basic b\r\n'],
  ['Basic without a colon', 'Authorization: Basic YQ==\r\n'],
  ['Basic that is not base64', 'Authorization: Basic %%%\r\n'],
  ['a strange forwarded address', 'X-Real-IP: ::1%eth0, <script>\r\n'],
  ['a strange content type', 'Content-Type: application/json; charset="\xff\r\n'],
])('4xx at most with %s', async (_, headers) => {
  for (const target of ['/oauth/userinfo', '/web/login', '/oauth/authorize', '/v1/auth/me', '/v1/auth/resolve'])
    expect(await request('GET', target, headers)).toBeLessThan(500)
  for (const target of ['/oauth/token', '/oauth/introspect', '/v1/auth/otp/send', '/oauth/consent', '/web/code'])
    expect(await request('POST', target, `${headers}Content-Length: 3\r\n`, 'a=1')).toBeLessThan(500)
})

test.each([
  ['invalid UTF-8', `${form}Content-Length: 12\r\n`, 'token=%FF%FE'],
  ['an unescaped NUL', `${form}Content-Length: 9\r\n`, 'token=a\0b'],
  ['a compressed body', `${form}Content-Encoding: gzip\r\nContent-Length: 3\r\n`, 'a=1'],
  ['a chunked body', `${form}Transfer-Encoding: chunked\r\n`, '3\r\na=1\r\n0\r\n\r\n'],
  ['a length that is not a number', `${form}Content-Length: x\r\n`, 'a=1'],
])('4xx at most for %s', async (_, headers, body) => {
  for (const target of ['/oauth/introspect', '/oauth/token', '/v1/auth/verify-token', '/oauth/logout'])
    expect(await request('POST', target, headers, body)).toBeLessThan(500)
})
