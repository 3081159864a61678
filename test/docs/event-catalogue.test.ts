import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { catalogueText, eventCatalogue } from '../../scripts/event-catalogue.ts'
import { withGenerated } from '../../scripts/lib/generated-part.ts'

const events = eventCatalogue()
/** Events that no read model needs: they are read from the log, or their look-ups and secrets are written by the append. */
const WITHOUT_ROWS = [
  'AuthorizationPushed',
  'PushedAuthorizationOpened',
  'AuthorizationDenied',
  'AuthorizationCodeRedeemed',
  'AuthorizationCodeRefused',
  'AuthorizationCodeReplayed',
  'KeyRootRotated',
  'KeysRewrapped',
  'RecordsRead',
]

describe('docs/events.md', () => {
  test('is up to date (npm run events:catalogue)', () => {
    const page = readFileSync('docs/events.md', 'utf8')
    expect(withGenerated(page, 'events', catalogueText())).toBe(page)
  })

  test('has every event that a projector knows', () => {
    const streams = readFileSync('shared/events/types.ts', 'utf8')
      .match(/^ {2}\| '(\w+)'$/gm)
      ?.map((line) => line.slice(5, -1))
    expect([...new Set(events.map(({ stream }) => stream))].sort()).toEqual(streams?.sort())
    expect(new Set(events.map(({ type }) => type)).size).toBe(events.length)
  })

  test('names for each event what appends it and which tables follow it', () => {
    expect(events.filter(({ decisions, emitters }) => decisions.length === 0 || emitters.length === 0)).toEqual([])
    expect(events.filter(({ readModels }) => readModels.length === 0).map(({ type }) => type)).toEqual(WITHOUT_ROWS)
  })
})
