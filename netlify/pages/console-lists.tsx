import type { PropsWithChildren } from 'hono/jsx'
import type { ConnectionRow } from '../../shared/queries/connections.ts'
import type { ListedClient, ListedKey, ListedPerson, ListedSession } from '../../shared/queries/console.ts'
import type { WebhookRow } from '../../shared/queries/webhooks.ts'
import { Action, ConsolePage, type Frame, Listing, Older, PersonLink } from './console-parts.tsx'
import { words } from './console-words.ts'
import { Form, type FormError, Submit } from './form-parts.tsx'
import { displayName } from './safe.ts'
import { Time } from './time.tsx'

/** A section of the console that is one list. */
export function ListPage({ frame, olderHref, children }: PropsWithChildren<{ frame: Frame; olderHref?: string }>) {
  return (
    <ConsolePage frame={frame} title={words.sections[frame.section]}>
      {children}
      <Older href={olderHref} />
    </ConsolePage>
  )
}

type ListProps<Row> = {
  frame: Frame
  rows: Row[]
  /** The page to return to after an action. */
  back?: string
}

type PeopleProps = ListProps<ListedPerson> & { find?: string; error?: FormError }

export function PeopleList({ frame, rows, find, error }: PeopleProps) {
  return (
    <>
      <Form action="/admin/people" csrf={frame.csrf} error={error} class="search">
        <label for="find">{words.findPeople}</label>
        <input id="find" name="find" type="text" value={find} maxlength={254} autocomplete="off" />
        <Submit kind="small" text={words.find} />
      </Form>
      <Listing
        label={words.sections['/admin/people']}
        columns={['person', 'status', 'role', 'since']}
        rows={rows.map((one) => [
          <PersonLink uai={one.uai} email={one.email} />,
          one.status,
          one.role,
          <Time at={one.createdAt} now={frame.now} />,
        ])}
      />
    </>
  )
}

export function SessionList({ frame, rows, back = frame.section }: ListProps<ListedSession>) {
  return (
    <Listing
      label={words.sections['/admin/sessions']}
      columns={['session', 'person', 'platform', 'since', 'expires', 'action']}
      rows={rows.map(({ id, uai, platform, method, started_at, expires_at }) => [
        <a href={`/admin/radius?id=${id}`}>{id.slice(-8)}</a>,
        <PersonLink uai={uai} />,
        `${platform} · ${method}`,
        <Time at={started_at} now={frame.now} />,
        <Time at={expires_at} now={frame.now} />,
        <Action frame={frame} act="end" id={id} what={id.slice(-8)} back={back} />,
      ])}
    />
  )
}

export function KeyList({ frame, rows, back = frame.section }: ListProps<ListedKey>) {
  return (
    <Listing
      label={words.sections['/admin/keys']}
      columns={['key', 'person', 'status', 'scopes', 'since', 'action']}
      rows={rows.map(({ id, created_by, preview, status, scopes, created_at }) => [
        <a href={`/admin/radius?id=${id}`}>{preview}</a>,
        <PersonLink uai={created_by} />,
        status,
        scopes.join(' '),
        <Time at={created_at} now={frame.now} />,
        status === 'revoked' ? '' : <Action frame={frame} act="revoke" id={id} what={preview} back={back} />,
      ])}
    />
  )
}

export function ClientList({ frame, rows }: ListProps<ListedClient>) {
  return (
    <Listing
      label={words.sections['/admin/clients']}
      columns={['application', 'status', 'origin', 'since', 'action']}
      rows={rows.map((one) => [
        <>
          <bdi>{displayName(one.name, one.client_id)}</bdi>
          <br />
          <a href={`/admin/events?${new URLSearchParams({ client: one.client_id })}`}>
            <bdi>{one.client_id}</bdi>
          </a>
        </>,
        one.status,
        one.first_party ? `${one.origin} · first party` : one.origin,
        <Time at={one.created_at} now={frame.now} />,
        <Action
          frame={frame}
          act={one.status === 'active' ? 'suspendClient' : 'reinstateClient'}
          id={one.id}
          what={one.client_id}
          back={frame.section}
        />,
      ])}
    />
  )
}

export function ConnectionList({ frame, rows }: ListProps<ConnectionRow>) {
  return (
    <Listing
      label={words.sections['/admin/connections']}
      columns={['provider', 'status', 'action']}
      rows={rows.map(({ id, slug, settings, status }) => [
        <>
          <bdi>{displayName(settings.name, slug)}</bdi> <code>{slug}</code>
        </>,
        status,
        <Action
          frame={frame}
          act={status === 'enabled' ? 'disable' : 'enable'}
          id={id}
          what={slug}
          back={frame.section}
        />,
      ])}
    />
  )
}

export function WebhookList({ rows }: ListProps<WebhookRow>) {
  return (
    <Listing
      label={words.sections['/admin/webhooks']}
      columns={['webhook', 'status', 'delivered', 'waiting', 'dead']}
      rows={rows.map(({ settings, status, delivered, waiting, dead }) => [
        <>
          <bdi>{displayName(settings.name, '')}</bdi>
          <br />
          <code>{settings.url}</code>
        </>,
        status,
        delivered,
        String(waiting),
        String(dead),
      ])}
    />
  )
}
