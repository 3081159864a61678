import { once } from '../../once.ts'

/**
 * Code points that look like a letter of our name and that NFKD does not map to it: the skeletons of Unicode Technical Standard 39
 * (Unicode 15.0), in both cases and small capitals. `i`, `l` and `1` are one letter, since their capitals and
 * lower-case forms look alike.
 */
const LOOKALIKES: Record<string, string> = {
  l:
    '131 141 142 196 197 19a 1c0 268 269 26a 26b 26d 29f 399 3b9 406 456 4c0 4cf 5c0 5d5 5df 627 661 673 6f1 7ca 13a5 13de ' +
    '14aa 16c1 1d7b 1d7c 2223 2373 2378 23fd 2c92 2cd0 2cd1 2d4f a4e1 a4f2 a647 ab75 abae 1028a 10309 10320 1041b 10443 ' +
    '10526 118a3 118b2 118c3 16f16 16f28 1d22a 1e8c7',
  a: '251 391 3b1 410 430 13aa 15c5 1d00 2376 237a a4ee ab7a 102a0 16f40',
  n: '19d 19e 273 274 39d 3b7 578 57c 1d70 2c9a a4e0 1018e 10513',
  o:
    'd8 f8 19f 275 398 39f 3b8 3bf 3c3 41e 43e 472 473 4e8 4e9 555 585 5e1 647 665 6be 6c1 6d5 6f5 6ff 7c0 966 9e6 a66 ae6 ' +
    'b20 b66 be6 c66 ce6 d20 d66 e50 ed0 1010 101d 1040 10ff 12d0 13be 13eb 1d0f 1d11 2296 229d 236c 2c9e 2c9f 2d31 2d41 ' +
    '2d54 3007 a4f3 a74a a74b ab3d ab3e ab74 ab8e abbb 10292 102ab 10404 1042c 104c2 104ea 10516 114d0 118b5 118c8 118d7 ' +
    '118e0 1d21a 1f714',
  s: '1bd 282 405 455 54f 13d5 13da 1d74 a4e2 a731 abaa 10296 10420 10448 118c1 16f3a',
}
/** Letters that digits and symbols imitate. */
const SUBSTITUTES: Record<string, string> = {
  i: 'l',
  '1': 'l',
  '|': 'l',
  '!': 'l',
  '0': 'o',
  '5': 's',
  $: 's',
  '@': 'a',
  '4': 'a',
}

const letters = once(() => {
  const lookalikes = Object.entries(LOOKALIKES).flatMap(([letter, codes]) =>
    codes.split(' ').map((code): [string, string] => [String.fromCodePoint(Number.parseInt(code, 16)), letter]),
  )
  return new Map([...lookalikes, ...Object.entries(SUBSTITUTES)])
})

/** Returns a name as it looks: only its letters, without marks or case. */
function skeletonOf(name: string): string {
  const characters = [...name.normalize('NFKD')].map((one) => letters().get(one) ?? one)
  const plain = characters.join('').toLowerCase()
  return [...plain]
    .map((one) => letters().get(one) ?? one)
    .join('')
    .replace(/[^a-z]/g, '')
}

const RESERVED = skeletonOf('onasis')

/** Whether a name could be mistaken for LanOnasis: `Lan0nasis`, `LаnОnаsіs` in Cyrillic, `L a n o n a s i s`. */
export const looksLikeOurs = (name: string) => skeletonOf(name).includes(RESERVED)
