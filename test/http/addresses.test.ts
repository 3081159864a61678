import { expect, test } from 'vitest'
import { addressKey, isWithin, networkKey, plainAddress, rangeKey } from '../../shared/addresses.ts'

test.each([
  ['192.0.2.7', '192.0.2.7', '192.0.2', '192.0'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2', '2001:db8:1', '2001:db8'],
  ['2001:db8::1', '2001:db8:0:0', '2001:db8:0', '2001:db8'],
  ['2001:db8:0:0:1::', '2001:db8:0:0', '2001:db8:0', '2001:db8'],
  ['2001:0db8::9:8:7', '2001:db8:0:0', '2001:db8:0', '2001:db8'],
  ['::1', '0:0:0:0', '0:0:0', '0:0'],
  ['::1:0:0:192.0.2.7', '0:0:0:1', '0:0:0', '0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0', 'fe80:0:0', 'fe80:0'],
  [undefined, 'unknown', 'unknown', 'unknown'],
])('%s is limited as %s, its network as %s, its range as %s', (ip, address, network, range) => {
  expect([addressKey(ip), networkKey(ip), rangeKey(ip)]).toEqual([address, network, range])
})

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::FFFF:192.0.2.7', '192.0.2.7'],
  ['2001:DB8::1', '2001:db8::1'],
  ['FE80::1%eth0', 'fe80::1'],
  [' 192.0.2.7', undefined],
  ['192.0.2.7/32', undefined],
  ['unknown', undefined],
  ['', undefined],
  [undefined, undefined],
])('%s is the address %s', (ip, plain) => {
  expect(plainAddress(ip)).toBe(plain)
})

test.each([
  [['192.0.2.0/24'], '192.0.2.7', true],
  [['192.0.2.0/24'], '::ffff:192.0.2.7', true],
  [['192.0.2.0/24'], '192.0.3.7', false],
  [['198.51.100.1', '2001:db8::/32'], '2001:DB8:1::1', true],
  [['198.51.100.1'], '198.51.100.2', false],
  [[], '192.0.2.7', false],
  [['0.0.0.0/0'], undefined, false],
])('in the networks %j, %s: %s', (networks, ip, isIn) => {
  expect(isWithin(networks, ip)).toBe(isIn)
})
