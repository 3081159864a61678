import type { Child, PropsWithChildren } from 'hono/jsx'
import { words } from './account-words.ts'
import { Icon, type IconName } from './icon.tsx'
import { Layout, Name } from './layout.tsx'

/** The pages of a person's account, in the order of the navigation. */
export const ACCOUNT_PAGES = {
  profile: '/account',
  signIn: '/account/sign-in',
  devices: '/account/devices',
  applications: '/account/agents',
  keys: '/account/api-keys',
  activity: '/account/activity',
  data: '/account/data',
} as const

type AccountSection = keyof typeof ACCOUNT_PAGES

const ICONS: Record<AccountSection, IconName> = {
  profile: 'person',
  signIn: 'lock',
  devices: 'computer',
  applications: 'blocks',
  keys: 'key',
  activity: 'clock',
  data: 'file',
}

type AccountLayoutProps = Omit<Parameters<typeof Layout>[0], 'wide' | 'aside'> & { section: AccountSection }

/** The frame of a page of the account: the navigation, with the current page marked. */
export function AccountLayout({
  section,
  title = words.nav[section],
  ...page
}: PropsWithChildren<Partial<AccountLayoutProps> & { section: AccountSection }>) {
  return <Layout {...page} title={title} wide="account" aside={<Navigation current={section} />} />
}

function Navigation({ current }: { current: AccountSection }) {
  return (
    <nav class="sections" aria-labelledby="account">
      <h2 id="account">{words.title}</h2>
      <ul>
        {Object.entries(ACCOUNT_PAGES).map(([name, href]) => (
          <li>
            <a href={href} aria-current={name === current ? 'page' : undefined}>
              <Icon name={ICONS[name as AccountSection]} />
              {words.nav[name as AccountSection]}
            </a>
          </li>
        ))}
        <li>
          <a href="/web/logout">
            <Icon name="leave" />
            {words.signOut}
          </a>
        </li>
      </ul>
    </nav>
  )
}

type ItemProps = PropsWithChildren<{
  /** Its picture, or the name whose initial stands for it. */
  mark: IconName | { initial: string }
  title: Child
  /** Follows the title, such as a state. */
  tag?: Child
  /** A button or link. */
  action?: Child
}>

/** An entry of a list: a picture, a title, what is known about it, and what can be done with it. */
export function Item({ mark, title, tag, action, children }: ItemProps) {
  return (
    <li class="item">
      <span class="mark" aria-hidden="true">
        {typeof mark === 'string' ? <Icon name={mark} /> : initialOf(mark.initial)}
      </span>
      <div>
        <h3>
          <Name>{title}</Name>
          {tag && <> {tag}</>}
        </h3>
        {children}
      </div>
      {action && <div class="act">{action}</div>}
    </li>
  )
}

const initialOf = (name: string) => ([...name.matchAll(/[\p{L}\p{N}]/gu)][0]?.[0] ?? '•').toLocaleUpperCase('en')
