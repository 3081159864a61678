import type { AuthWords } from './auth-words.ts'

export const de: AuthWords = {
  code: 'Oder geben Sie diesen Code ein, wo Sie danach gefragt werden:',
  codeOnly: 'Geben Sie diesen Code ein, wo Sie danach gefragt werden:',
  once: 'Er gilt einmal und nicht lange. Geben Sie ihn niemandem weiter.',
  ignore: 'Falls Sie das nicht waren, ignorieren Sie diese Nachricht: es ändert sich nichts.',
  alarm: 'Falls Sie das nicht waren, setzen Sie jetzt Ihr Passwort zurück und melden Sie sich überall ab.',
  otherProvider: 'einem anderen Konto',
  signup: {
    subject: 'Bestätigen Sie Ihre E-Mail-Adresse',
    lead: 'Bestätigen Sie, dass {address} Ihnen gehört, und Ihr Konto ist bereit.',
    action: 'Adresse bestätigen',
  },
  invite: {
    subject: 'Sie sind zu {brand} eingeladen',
    lead: 'Sie sind zu einem Konto auf {site} mit der Adresse {address} eingeladen.',
    action: 'Einladung annehmen',
  },
  magiclink: {
    subject: 'Ihr Anmeldelink',
    lead: 'Folgen Sie diesem Link, um sich auf {site} anzumelden.',
    action: 'Anmelden',
  },
  recovery: {
    subject: 'Setzen Sie Ihr Passwort zurück',
    lead: 'Jemand, hoffentlich Sie, möchte das Passwort von {address} zurücksetzen.',
    action: 'Neues Passwort wählen',
  },
  email_change_current: {
    subject: 'Bestätigen Sie die Änderung Ihrer E-Mail-Adresse',
    lead: 'Ihr Konto soll die Adresse {other} statt {address} erhalten. Bestätigen Sie es auch von hier aus.',
    action: 'Änderung bestätigen',
  },
  email_change_new: {
    subject: 'Bestätigen Sie Ihre neue E-Mail-Adresse',
    lead: 'Bestätigen Sie, dass {address} Ihnen gehört, und sie wird die Adresse Ihres Kontos.',
    action: 'Adresse bestätigen',
  },
  reauthentication: {
    subject: 'Ihr Bestätigungscode',
    lead: 'Sie sind dabei, etwas zu tun, das Ihre Bestätigung braucht.',
  },
  password_changed_notification: {
    subject: 'Ihr Passwort wurde geändert',
    lead: 'Das Passwort Ihres Kontos auf {site} wurde geändert.',
  },
  email_changed_notification: {
    subject: 'Ihre E-Mail-Adresse wurde geändert',
    lead: 'Die Adresse Ihres Kontos auf {site} ist nicht mehr {other}.',
  },
  phone_changed_notification: {
    subject: 'Ihre Telefonnummer wurde geändert',
    lead: 'Die Telefonnummer Ihres Kontos auf {site} wurde geändert.',
  },
  identity_linked_notification: {
    subject: 'Eine Anmeldeart wurde hinzugefügt',
    lead: 'In Ihrem Konto auf {site} kann man sich jetzt mit {what} anmelden.',
  },
  identity_unlinked_notification: {
    subject: 'Eine Anmeldeart wurde entfernt',
    lead: 'In Ihrem Konto auf {site} kann man sich nicht mehr mit {what} anmelden.',
  },
  mfa_factor_enrolled_notification: {
    subject: 'Ein zweiter Faktor wurde hinzugefügt',
    lead: 'Ihrem Konto auf {site} wurde ein zweiter Faktor ({what}) hinzugefügt.',
  },
  mfa_factor_unenrolled_notification: {
    subject: 'Ein zweiter Faktor wurde entfernt',
    lead: 'Von Ihrem Konto auf {site} wurde ein zweiter Faktor ({what}) entfernt.',
  },
  account_changed_notification: {
    subject: 'Ihr Konto wurde geändert',
    lead: 'An Ihrem Konto auf {site} wurde etwas geändert.',
  },
}
