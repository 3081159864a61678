import { beforeAll, describe, expect, test } from 'vitest'
import { newEmail, useGateway } from '../support/gateway.ts'
import { ageForms, openLimits } from '../support/rows.ts'
import { type Application, expected, kindOf, newApplication, redeem, requestOf, Visit } from '../support/tab-sign-in.ts'
import { createBrowser, type Page, textOf } from '../support/test-browser.ts'
import { withClockAhead } from '../support/time.ts'

const gateway = useGateway({ env: { DASHBOARD_URL: 'https://dashboard.lanonasis.com' } })
let apps: [Application, Application, Application]

beforeAll(async () => {
  apps = [
    await newApplication(gateway, 'alpha'),
    await newApplication(gateway, 'bravo'),
    await newApplication(gateway, 'charlie'),
  ]
}, 60_000)

const permutations = <Item>(items: Item[]): Item[][] =>
  items.length < 2
    ? [items]
    : items.flatMap((item, index) => permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]))

/** Does what the tab asks for, up to the answer to its application. */
async function finish(visit: Visit): Promise<void> {
  for (let n = 0; n < 8 && (await visit.next()); n++);
}

const located = (page: Page | undefined) => page?.location ?? `no answer: ${page && textOf(page)}`

describe('tabs that share a browser', () => {
  test.each([
    ['one person', true],
    ['different people', false],
  ])(
    'each ends at its own application, in every order of two and three: %s',
    async (_who, same) => {
      for (const count of [2, 3])
        for (const order of permutations([...Array(count).keys()])) {
          const browser = createBrowser(gateway)
          const email = newEmail()
          const visits = apps
            .slice(0, count)
            .map((app) => new Visit(gateway, browser.tab(), app, same ? email : newEmail()))
          // All code pages are open before the first code is entered.
          for (const visit of visits) await visit.begin()
          for (const visit of visits) await visit.send()
          for (const index of order) {
            const visit = visits[index] as Visit
            await finish(visit)
            expect(await redeem(gateway, visit.app, located(visit.page))).toEqual(expected(visit.app, visit.email))
          }
        }
    },
    120_000,
  )

  test('a code is good in its own tab alone', async () => {
    const browser = createBrowser(gateway)
    const [one, two] = [new Visit(gateway, browser.tab(), apps[0]), new Visit(gateway, browser.tab(), apps[1])]
    for (const visit of [one, two]) {
      await visit.begin()
      await visit.send()
    }
    const wrong = await two.tab.submit(two.page as Page, { code: one.code }, '/web/code')
    expect([wrong.status, textOf(wrong).includes('The code is wrong or has expired.')]).toEqual([400, true])
    expect(kindOf(await two.enter())).toBe('consent')
  })

  test('nine tabs and a small jar', async () => {
    const browser = createBrowser(gateway)
    const visits = await Promise.all(
      Array.from({ length: 9 }, async () => {
        const visit = new Visit(gateway, browser.tab(), apps[0])
        await visit.begin()
        return visit
      }),
    )
    for (const visit of visits) expect(kindOf(await visit.send())).toBe('code')
    for (const visit of visits) expect(kindOf(await visit.enter())).toBe('consent')
    expect((browser.cookies.header(gateway.url, { method: 'GET', topLevel: true }) ?? '').length).toBeLessThan(1024)
  }, 60_000)

  test('the id of a sign-in opens nothing in another browser', async () => {
    const [victim, other] = [createBrowser(gateway), createBrowser(gateway)]
    const visit = new Visit(gateway, victim.tab(), apps[0])
    await visit.begin()
    const codePage = await visit.send()
    await other.visit('/web/login')
    const seen = await other.visit(codePage.url)
    expect([kindOf(seen), seen.html.includes(visit.email)]).toEqual(['sign-in', false])
    const forced = await other.submit(codePage, { code: visit.code }, '/web/code')
    expect([forced.status, kindOf(forced), other.cookies.has('lanonasis_session')]).toEqual([403, 'sign-in', false])
    expect(kindOf(await visit.enter())).toBe('consent')
  })
})

describe('a page that was left open', () => {
  /** Does something as if it were done so long ago, or in the future, for the gateway and the browser alike. */
  const ago = (seconds: number, act: () => Promise<unknown>) => withClockAhead(-seconds * 1000, act)

  /** Makes what the gateway keeps of forms that much older. */
  const age = (seconds: number) => ageForms(gateway, seconds)

  test('20 minutes: the page that asks for the address still sends a code', async () => {
    const visit = new Visit(gateway, createBrowser(gateway), apps[0])
    await ago(1200, () => visit.begin())
    expect(kindOf(await visit.send())).toBe('code')
    expect(kindOf(await visit.enter())).toBe('consent')
  })

  test('20 minutes: the page that asks for the code sends another one', async () => {
    const visit = new Visit(gateway, createBrowser(gateway), apps[0])
    await ago(1200, async () => {
      await visit.begin()
      await visit.send()
    })
    const late = await visit.enter()
    expect([late.status, kindOf(late)]).toEqual([400, 'code'])
    await openLimits(gateway)
    visit.page = await visit.tab.submit(late, {}, '/web/code/resend')
    expect(textOf(visit.page)).toContain('A new code is on its way.')
    visit.code = gateway.inbox.codeFor(visit.email)
    expect(kindOf(await visit.enter())).toBe('consent')
    expect(located(await visit.allow())).toContain('state=state+alpha')
  })

  test('2 hours: the consent page asks again, for the same application', async () => {
    const visit = new Visit(gateway, createBrowser(gateway), apps[0])
    while (!visit.page || kindOf(visit.page) !== 'consent') await visit.next()
    await ago(-7200, () => visit.allow())
    const again = visit.page
    expect([again.status, kindOf(again), textOf(again).includes('alpha wants to use')]).toEqual([403, 'consent', true])
    expect(located(await visit.allow())).toContain('state=state+alpha')
  })

  test('2 hours: the code page begins again at the address, which it knows', async () => {
    const visit = new Visit(gateway, createBrowser(gateway), apps[0])
    await visit.begin()
    await visit.send()
    await age(7200)
    const again = await visit.enter()
    expect([again.status, kindOf(again)]).toEqual([403, 'sign-in'])
    expect(again.html).toContain(`value="${visit.email}"`)
    await finish(visit)
    expect(located(visit.page)).toContain('state=state+alpha')
  })

  test('2 hours: it continues as the person who signed in in another tab', async () => {
    const browser = createBrowser(gateway)
    const email = newEmail()
    const [left, used] = [
      new Visit(gateway, browser.tab(), apps[0], email),
      new Visit(gateway, browser.tab(), apps[1], email),
    ]
    await left.begin()
    await left.send()
    await age(7200)
    await used.begin()
    await finish(used)
    expect(kindOf(await left.enter())).toBe('consent')
    expect(located(await left.allow())).toContain('state=state+alpha')
  })
})

describe('a lost or blocked cookie', () => {
  test('accepts no code, and begins again', async () => {
    const browser = createBrowser(gateway)
    const visit = new Visit(gateway, browser, apps[0])
    await visit.begin()
    await visit.send()
    browser.cookies.clear()
    const again = await visit.enter()
    expect([again.status, kindOf(again), browser.cookies.has('lanonasis_session')]).toEqual([403, 'sign-in', false])
    await finish(visit)
    expect(located(visit.page)).toContain('state=state+alpha')
  })

  test('says that cookies are needed, as often as it takes', async () => {
    const browser = createBrowser(gateway)
    browser.cookies.blocked = true
    const visit = new Visit(gateway, browser, apps[0])
    const first = await visit.begin()
    for (let n = 0; n < 2; n++) {
      const page = await browser.submit(first, { email: newEmail() }, '/web/login')
      expect([page.status, textOf(page).includes('Allow cookies for 127.0.0.1')]).toEqual([403, true])
    }
    browser.cookies.blocked = false
    visit.page = await browser.submit(await browser.visit(requestOf(apps[0])), { email: visit.email }, '/web/login')
    expect(kindOf(visit.page)).toBe('code')
  })

  test('two pages that opened at once in a new browser both send a code', async () => {
    const browser = createBrowser(gateway)
    const visits = [new Visit(gateway, browser.tab(), apps[0]), new Visit(gateway, browser.tab(), apps[1])]
    await Promise.all(visits.map((visit) => visit.begin()))
    for (const visit of visits) expect(kindOf(await visit.send())).toBe('code')
    for (const visit of visits) expect(kindOf(await visit.enter())).toBe('consent')
  })
})

describe('back, reload and a restored session', () => {
  test('back from the code page with the same address leads to the code that was sent, and says when there is another', async () => {
    const browser = createBrowser(gateway)
    const visit = new Visit(gateway, browser, apps[0])
    await visit.begin()
    await visit.send()
    const { length } = gateway.inbox.sent
    const again = await browser.submit(await browser.backAnew(), { email: visit.email }, '/web/login')
    expect([kindOf(again), gateway.inbox.sent.length]).toEqual(['code', length])
    expect(textOf(again)).toMatch(/You can ask for a new code in \d+ seconds\./)
    visit.page = again
    expect(kindOf(await visit.enter())).toBe('consent')
  })

  test('each page loads again as what it was', async () => {
    const browser = createBrowser(gateway)
    const visit = new Visit(gateway, browser, apps[0])
    for (const kind of ['sign-in', 'code', 'consent'] as const) {
      await visit.next()
      const again = await browser.reload()
      expect([kindOf(again), again.status]).toEqual([kind, 200])
      visit.page = again
    }
    expect(located(await visit.allow())).toContain('state=state+alpha')
  })

  test('the answer to a wrong code loads again without another try', async () => {
    const browser = createBrowser(gateway)
    const visit = new Visit(gateway, browser, apps[0])
    await visit.begin()
    await visit.send()
    const wrong = visit.code.replace(/\d$/, (last) => String((Number(last) + 1) % 10))
    const page = await browser.submit(visit.page as Page, { code: wrong }, '/web/code')
    for (let n = 0; n < 8; n++) expect((await browser.reload()).html).toBe(page.html)
    visit.page = page
    expect(kindOf(await visit.enter())).toBe('consent')
  })

  test('a browser that was closed and opened again finishes what it began', async () => {
    const first = createBrowser(gateway)
    const visits = [new Visit(gateway, first.tab(), apps[0]), new Visit(gateway, first.tab(), apps[1])]
    for (const visit of visits) {
      await visit.begin()
      await visit.send()
    }
    const jar = first.cookies
    jar.forgetSession()
    const again = createBrowser(gateway, jar)
    const restored = await Promise.all(visits.map(({ page }) => again.tab().visit(page?.url ?? '')))
    for (const [index, page] of restored.entries()) {
      const { app, email, code } = visits[index] as Visit
      const visit = new Visit(gateway, again.tab(), app, email)
      visit.page = page
      visit.code = code
      expect(kindOf(await visit.enter())).toBe('consent')
      expect(await redeem(gateway, app, located(await visit.allow()))).toEqual(expected(app, email))
    }
  })

  test('forms that were left in the cache of the browser are answered as they were', async () => {
    const browser = createBrowser(gateway)
    const visit = new Visit(gateway, browser, apps[0])
    while (!visit.page || kindOf(visit.page) !== 'consent') await visit.next()
    const cached = browser.back()
    const again = await browser.submit(cached, { code: visit.code }, '/web/code')
    expect(kindOf(again)).toBe('consent')
  })
})
