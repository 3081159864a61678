import type { JSX } from 'hono/jsx/jsx-runtime'
import { NewPasskeyPage } from '../../netlify/pages/account-passkeys.tsx'
import { CliTokenPage, CliWelcomePage, PasteCodePage } from '../../netlify/pages/cli.tsx'
import { CodePage } from '../../netlify/pages/code.tsx'
import { ConsentPage } from '../../netlify/pages/consent.tsx'
import { scopeSentence } from '../../netlify/pages/copy.ts'
import { DeviceDonePage, EnterCodePage } from '../../netlify/pages/device.tsx'
import { ErrorPage } from '../../netlify/pages/error-page.tsx'
import { MagicLinkPage } from '../../netlify/pages/magic-link.tsx'
import {
  ForgotPasswordPage,
  LinkSentPage,
  PasswordPage,
  ResetPasswordPage,
  SignUpPage,
} from '../../netlify/pages/password.tsx'
import { MakeRecoveryCodesPage, RecoveryCodesPage } from '../../netlify/pages/recovery-codes.tsx'
import { SecondFactorPage } from '../../netlify/pages/second-factor.tsx'
import { SignInPage } from '../../netlify/pages/sign-in.tsx'
import { ConfirmSignOutPage, SignedOutPage } from '../../netlify/pages/sign-out.tsx'
import { SignedInPage } from '../../netlify/pages/signed-in.tsx'
import { StepUpPage } from '../../netlify/pages/step-up.tsx'
import { EnrolTotpPage } from '../../netlify/pages/totp.tsx'
import { WithoutMailPage } from '../../netlify/pages/without-mail.tsx'

const form = { action: '/web/login', csrf: 'token' }
const email = 'ada@example.com'
const uai = '0199b7c4-7c1e-7f3a-9d52-0e6b1b0f2c11'
const now = new Date('2026-06-01T12:00:00Z')
const codes = Array.from({ length: 10 }, (_, index) => `ABCD-EFGH-JKL${index}`)
const scopes = () =>
  ['openid', 'memories:read', 'memories:*', 'mcp:full', 'offline_access'].map((name) => ({
    name,
    ...scopeSentence(name),
  }))
const link = { email, askedAt: now.getTime(), device: 'Chrome on macOS' } as never

/** Every page of a sign-in, by name, made in the language of the moment. */
export const signInStates: Record<string, () => JSX.Element> = {
  'sign-in': () => (
    <SignInPage
      {...form}
      clientName="Claude"
      clientHost="claude.ai"
      providers={[{ name: 'Google', href: '/v1/auth/oauth' }]}
      switchHref="/web/login?by=phone"
      passwordHref="/web/password"
      withoutMailHref="/web/without-mail"
    />
  ),
  'sign-in-phone': () => <SignInPage {...form} phone="" switchHref="/web/login" />,
  code: () => (
    <CodePage
      {...form}
      resendAction="/web/code/resend"
      startOverHref="/web/login"
      address={email}
      minutes={10}
      wait={25}
      host="auth.lanonasis.com"
    />
  ),
  password: () => <PasswordPage {...form} />,
  'sign-up': () => <SignUpPage {...form} />,
  forgot: () => <ForgotPasswordPage {...form} />,
  reset: () => <ResetPasswordPage {...form} tokenHash="x" />,
  'link-sent': () => <LinkSentPage />,
  'without-mail': () => <WithoutMailPage {...form} backHref="/web/login" />,
  'second-factor': () => (
    <SecondFactorPage {...form} kind="totp" mayRemember otherHref="/x" passkeyHref="/y" startOverHref="/web/login" />
  ),
  'step-up': () => (
    <StepUpPage
      {...form}
      method="totp"
      byCode
      backHref="/account"
      otherHref="/web/recovery"
      email={email}
      host="auth.lanonasis.com"
    />
  ),
  totp: () => (
    <EnrolTotpPage
      {...form}
      backHref="/"
      enrolment="x"
      uri="otpauth://x"
      picture="<svg/>"
      secret="ABCDEFGH"
      email={email}
    />
  ),
  'make-recovery-codes': () => <MakeRecoveryCodesPage {...form} backHref="/account" left={3} />,
  'recovery-codes': () => <RecoveryCodesPage codes={codes} email={email} doneHref="/account" />,
  'new-passkey': () => (
    <NewPasskeyPage
      {...form}
      backHref="/account"
      email={email}
      options={{}}
      declineAction="/account/passkeys/decline"
    />
  ),
  'magic-link': () => <MagicLinkPage {...form} state="x" link={link} destination="claude.ai" now={now} />,
  consent: () => (
    <ConsentPage
      {...form}
      authorizationId={uai}
      client={{ name: 'Claude', host: 'claude.ai', redirectHost: 'claude.ai', firstParty: false, verified: true }}
      account={{ email, name: 'Ada Lovelace' }}
      scopes={scopes()}
      switchAccountHref="/web/login"
      warning="terminal"
    />
  ),
  device: () => <EnterCodePage action="/device" />,
  'device-done': () => <DeviceDonePage kind="approved" client="Claude Code" />,
  cli: () => <CliWelcomePage {...form} email={email} />,
  'cli-token': () => <CliTokenPage token="lano_token" until={now} backHref="/cli" />,
  'cli-paste': () => <PasteCodePage code="ABCD-EFGH" minutes={5} />,
  error: () => <ErrorPage title="Error" message="Error." code="INVALID_REQUEST" requestId={uai} wait={60} />,
  'sign-out': () => (
    <ConfirmSignOutPage {...form} email={email} hidden={{}} returnHref="/account" returnHost="claude.ai" />
  ),
  'signed-out': () => <SignedOutPage continueHref="/web/login" />,
  'signed-in': () => <SignedInPage email={email} uai={uai} signOutAction="/web/logout" csrf="token" />,
}
