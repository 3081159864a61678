import { expect, test } from 'vitest'
import { addressKey, networkKey } from '../../shared/http/rate-limit.ts'

test.each([
  ['192.0.2.7', '192.0.2.7', '192.0.2'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2', '2001:db8:1'],
  ['2001:db8::1', '2001:db8:0:0', '2001:db8:0'],
  ['2001:db8:0:0:1::', '2001:db8:0:0', '2001:db8:0'],
  ['2001:0db8::9:8:7', '2001:db8:0:0', '2001:db8:0'],
  ['::1', '0:0:0:0', '0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0', 'fe80:0:0'],
  [undefined, 'unknown', 'unknown'],
])('%s is limited as %s, its network as %s', (ip, address, network) => {
  expect([addressKey(ip), networkKey(ip)]).toEqual([address, network])
})
