import { raw } from 'hono/html'

/** Outlines on a grid of 24, drawn by `.icon`. */
const PATHS = {
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20a7.5 7.5 0 0 1 15 0',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  computer: 'M4 5h16v11H4zM9 20h6M12 16v4',
  phone: 'M8 3h8v18H8zM11.5 18h1',
  terminal: 'M4 5h16v14H4zM8 10l2.5 2L8 14M12.5 14.5H16',
  blocks: 'M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM16.5 13v7M13 16.5h7',
  key: 'M8 15.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM11.5 12H20v3M16.5 12v2.5',
  clock: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 7.5V12l3 2',
  file: 'M6 3.5h8l4 4v13H6zM14 3.5v4h4M9 13h6M9 16.5h6',
  leave: 'M14 4H6v16h8M10.5 12H20M17 9l3 3-3 3',
  mail: 'M3.5 6h17v12h-17zM4 7l8 6 8-6',
  fingerprint:
    'M7 19.5a13 13 0 0 0 1.5-7 3.5 3.5 0 0 1 7 0 20 20 0 0 1-1 7M12 12.5a16 16 0 0 1-1.5 7.5M5 15.5a12 12 0 0 0 .3-3 6.7 6.7 0 0 1 13.4 0v3',
  shield: 'M12 3.5l7 2.5v5.5c0 4-3 7-7 9-4-2-7-5-7-9V6zM9 12l2 2 4-4.5',
  list: 'M8 7h11M8 12h11M8 17h11M4.5 7h.01M4.5 12h.01M4.5 17h.01',
} as const

export type IconName = keyof typeof PATHS

const elements = Object.fromEntries(
  Object.entries(PATHS).map(([name, path]) => [
    name,
    raw(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="${path}"/></svg>`),
  ]),
) as Record<IconName, ReturnType<typeof raw>>

/** Decorates the text beside it. */
export const Icon = ({ name }: { name: IconName }) => <>{elements[name]}</>
