import { describe, expect, test } from 'vitest'
import { describeUserAgent } from '../../shared/http/user-agent.ts'
import { looksLikeOurs } from '../../shared/oauth/clients/reserved-names.ts'

describe('UTS 39: names that could be mistaken for ours', () => {
  test.each([
    'LanOnasis',
    'LANONASIS Support',
    'L a n O n a s i s',
    'Lan-Onasis.com',
    'Onasis CLI',
    'Lan0nasis Dashboard',
    'LanOnas1s',
    '|anonasis',
    '1anOnasis',
    'IanOnasis',
    'Lanonasls',
    'LanOna5i5',
    'L@nOn@$i$',
    'LаnОnаsіs',
    'ⅬanOnasis',
    'ＬａｎＯｎａｓｉｓ',
    '𝓛𝓪𝓷𝓞𝓷𝓪𝓼𝓲𝓼',
    'ʟᴀɴᴏɴᴀꜱɪꜱ',
    'Láñönäșîs',
    'Łanønasis',
    'LanΟnαsιs',
    'ꓡanꓳnasis',
    'ᏞanᏫnaѕiѕ',
    'L\u0336a\u0336nonasis',
    'Lanօոasis',
  ])('yes: %s', (name) => {
    expect(looksLikeOurs(name)).toBe(true)
  })

  test.each([
    'Claude',
    'Visual Studio Code',
    'Cursor',
    'ChatGPT',
    'MCP Inspector',
    'Onassis Shipping',
    'Lanolin',
    'Landscape Oasis',
    'Анна и Соня',
    'مساعد الذاكرة',
    'ナレッジ',
    '',
    '0123456789',
  ])('no: %s', (name) => {
    expect(looksLikeOurs(name)).toBe(false)
  })
})

describe('what a User-Agent header says', () => {
  test.each([
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Windows'],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
      'Chrome on macOS',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
      'Microsoft Edge on Windows',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
      'Safari on iPhone',
    ],
    [
      'Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0.0.0 Mobile/15E148 Safari/604.1',
      'Chrome on iPad',
    ],
    [
      'Mozilla/5.0 (Linux; Android 15; SM-S931B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36',
      'Samsung Internet for Android on Android',
    ],
    [
      'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
      'Chrome on Chrome OS',
    ],
    ['Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101', 'Linux'],
    ['Visit https://evil.test to confirm', undefined],
    ['Mozilla/5.0 (Visit https://evil.test) call +1 555 0100', undefined],
    ['curl/8.5.0', undefined],
    ['node', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%s: %s', async (header, shown) => {
    expect(await describeUserAgent(header)).toBe(shown)
  })
})
