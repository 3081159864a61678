import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { newEmail, useGateway } from '../support/gateway.ts'
import { openLimits } from '../support/rows.ts'
import { type Application, expected, kindOf, newApplication, redeem, Visit } from '../support/tab-sign-in.ts'
import { createBrowser, formsOf, type Page, textOf } from '../support/test-browser.ts'

const gateway = useGateway()
let apps: Application[]

beforeAll(async () => {
  apps = await Promise.all(['alpha', 'bravo', 'charlie'].map((name) => newApplication(gateway, name)))
}, 60_000)

/** What a person may do in a tab, other than what its page asks for. */
const ACTS = ['next', 'next', 'next', 'double', 'reload', 'back', 'deny'] as const
type Act = (typeof ACTS)[number]

const ACTION = { 'sign-in': '/web/login', code: '/web/code', consent: '/oauth/consent' } as const

class Tab extends Visit {
  history = 0
  /** Who the consent page that was decided upon named. */
  decidedBy: string | undefined
  /** Whether the application has its answer, which it uses at once. */
  answered = false

  async act(act: Act): Promise<void> {
    const kind = this.page && kindOf(this.page)
    if (kind === undefined || kind === 'other' || kind === 'signed-in' || kind === 'answer') return
    if (act === 'reload') this.page = await this.tab.reload()
    else if (act === 'back' && this.history > 1) {
      this.history -= 1
      this.page = this.tab.back()
    } else if (act === 'double' || act === 'deny') await this.press(kind, act)
  }

  async press(kind: keyof typeof ACTION, act: 'double' | 'deny'): Promise<void> {
    const page = this.page as Page
    if (act === 'deny' && kind !== 'consent') return
    if (kind === 'sign-in') await openLimits(this.gateway)
    if (kind === 'consent') this.decidedBy = personOn(page)
    const fields: Record<keyof typeof ACTION, Record<string, string>> = {
      'sign-in': { email: this.email },
      code: { code: this.code },
      consent: { decision: act === 'deny' ? 'deny' : 'allow' },
    }
    await this.reading(() => this.tab.press(act === 'double' ? 2 : 1, page, fields[kind], ACTION[kind]))
  }

  override async next(): Promise<boolean> {
    if (this.page && kindOf(this.page) === 'consent') this.decidedBy = personOn(this.page)
    const went = await super.next()
    if (went && this.page?.location === undefined) this.history += 1
    return went
  }
}

const personOn = (page: Page) => /Signed in as (\S+)/.exec(textOf(page))?.[1]

/** The application must get the answer to its own request, of the person whom its consent page named. */
async function checkAnswer(tab: Tab): Promise<void> {
  const location = tab.page?.location
  if (location === undefined || tab.answered) return
  tab.answered = true
  const answer = new URL(location).searchParams
  expect([location.split('?')[0], answer.get('state')]).toEqual([tab.app.redirectUri, tab.app.state])
  if (answer.has('error')) expect(answer.get('error')).toBe('access_denied')
  else expect(await redeem(gateway, tab.app, location)).toEqual(expected(tab.app, tab.decidedBy ?? ''))
}

/** Whatever the page shows must be of the tab's own application. */
function checkPage(tab: Tab): void {
  const { page, app } = tab
  if (!page || page.location !== undefined) return
  const others = apps.filter((one) => one !== app)
  for (const other of others) expect(page.html, `${app.name}: ${textOf(page)}`).not.toContain(other.clientId)
  if (kindOf(page) !== 'consent') return
  expect(textOf(page)).toContain(`${app.name} wants to use your LanOnasis account`)
  expect(formsOf(page)[0]?.fields.return_to).toContain(encodeURIComponent(app.redirectUri))
}

const step = fc.record({ tab: fc.nat({ max: 2 }), act: fc.constantFrom(...ACTS) })

test('state, nonce, redirect target and consent belong to the tab that was used, however tabs and steps mix', async () => {
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 6, maxLength: 24 }),
    fc.array(fc.nat({ max: 1 }), { minLength: 3, maxLength: 3 }),
    async (steps, people) => {
      const browser = createBrowser(gateway)
      const emails = [newEmail(), newEmail()]
      const tabs = apps.map((app, index) => new Tab(gateway, browser.tab(), app, emails[people[index] ?? 0]))
      for (const { tab: index, act } of steps) {
        const tab = tabs[index] as Tab
        if (tab.page?.location !== undefined) continue
        if (act === 'next' || !tab.page) await tab.next()
        else await tab.act(act)
        checkPage(tab)
        await checkAnswer(tab)
      }
      // Every tab that is still in progress continues to the end.
      for (const tab of tabs)
        for (let n = 0; n < 8 && tab.page?.location === undefined; n++) {
          if (!(await tab.next())) break
          checkPage(tab)
          await checkAnswer(tab)
        }
      for (const tab of tabs) {
        await checkAnswer(tab)
        expect([tab.app.name, tab.answered]).toEqual([tab.app.name, true])
      }
    },
  )
  await fc.assert(property, { numRuns: 10, endOnFailure: true })
}, 60_000)
