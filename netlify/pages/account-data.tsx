import { AccountLayout } from './account-layout.tsx'
import { words } from './account-words.ts'
import { ButtonLink } from './form-parts.tsx'
import { Section } from './layout.tsx'

/** What a person can do with their data. */
export function DataPage() {
  const text = words.erasure
  return (
    <AccountLayout section="data" lead={words.lead.data}>
      <Section id="export" title={text.exportTitle} note={text.exportLead}>
        <p class="row actions across">
          <ButtonLink kind="small" href="/v1/audit/export" text={text.export} />
        </p>
      </Section>
      <Section id="erasure" title={text.title} note={text.lead}>
        <p class="row actions across">
          <ButtonLink kind="small" href="/account/erase" text={text.erase} />
        </p>
      </Section>
    </AccountLayout>
  )
}
