import type { Words } from './words.ts'

export const de: Words = {
  lang: 'de',
  minute: '1 Minute',
  minutes: '{count} Minuten',
  automated: 'Automatisch gesendet von {origin}. Antworten an diese Adresse werden nicht gelesen.',
  otp: {
    subject: 'Ihr Anmeldecode für {brand}',
    preview: 'Öffnen Sie diese Nachricht, um Ihren Code für {origin} zu sehen. Er gilt einmal, {minutes} lang.',
    heading: 'Ihr Anmeldecode',
    lead: 'Geben Sie diesen Code auf {origin} ein, um sich anzumelden.',
    leadFor: 'Geben Sie diesen Code auf {origin} ein, um mit {client} fortzufahren.',
    validity: 'Er gilt einmal, {minutes} lang.',
    never: 'Geben Sie diesen Code nie weiter.',
    where:
      'Niemand von {brand} wird Sie je danach fragen. Geben Sie ihn nur auf {origin} ein, nie auf einer anderen Website, nie am Telefon.',
    ignore:
      'Falls Sie ihn nicht angefordert haben, ignorieren Sie diese Nachricht: ohne den Code kann sich niemand anmelden.',
  },
  link: {
    subject: 'Bei {brand} anmelden',
    heading: 'Mit diesem Link anmelden',
    lead: 'Sie wollten sich auf {origin} anmelden. Öffnen Sie den Link, prüfen Sie, was dort steht, und bestätigen Sie.',
    leadFor:
      'Sie wollten sich auf {origin} anmelden, um zu {client} zu gelangen. Öffnen Sie den Link, prüfen Sie, was dort steht, und bestätigen Sie.',
    action: 'Anmelden',
    validity: 'Er gilt einmal, {minutes} lang. Ihn nur zu öffnen bewirkt nichts; erst Ihre Bestätigung meldet Sie an.',
    ignore:
      'Falls Sie ihn nicht angefordert haben, ignorieren Sie diese Nachricht und bestätigen Sie nichts. Geben Sie den Link niemals weiter.',
  },
  sms: {
    code: '{code} ist Ihr Code für {brand}, {minutes} gültig.',
    plain: '{code} ist Ihr Code für {brand}.',
    never: 'Nie weitergeben.',
  },
  notice: {
    openAccount: 'Konto öffnen',
    unnamed: 'einer Ihrer Schlüssel',
    unnamedClient: 'Eine Anwendung',
    unnamedBrowser: 'eine App oder ein Skript',
    new_sign_in: {
      subject: 'Neue Anmeldung in Ihrem Konto bei {brand}',
      heading: 'Neue Anmeldung in Ihrem Konto',
      body: [
        'Ihr Konto auf {origin} wurde von einem bisher unbekannten Ort aus benutzt: {browser}, Netz {network}, am {time}.',
        'Falls Sie das waren, ist nichts zu tun. Falls nicht, öffnen Sie den Link und bestätigen Sie: Dieser Browser wird abgemeldet, und alles, was er erhalten hat, endet.',
      ],
      action: 'Das war ich nicht',
    },
    identities_merged: {
      subject: 'Zwei Konten bei {brand} wurden zusammengeführt',
      heading: 'Zwei Konten wurden zusammengeführt',
      body: [
        'Das Konto mit dieser Adresse und ein anderes wurden auf {origin} zusammengeführt. Beide weisen jetzt dieselbe Person aus: alles von beiden ist an einem Ort.',
        'Falls Sie das nicht waren, öffnen Sie Ihr Konto, machen Sie es rückgängig und melden Sie sich überall sonst ab.',
      ],
    },
    device_connected: {
      subject: 'Ein Gerät wurde mit Ihrem Konto bei {brand} verbunden',
      heading: 'Ein Gerät wurde mit Ihrem Konto verbunden',
      body: [
        '{key} wurde soeben von einem Gerät oder Terminal aus in Ihrem Konto angemeldet.',
        'Falls Sie das waren, ist nichts zu tun. Falls nicht, trennen Sie es jetzt: was es erhalten hat, verliert sofort seine Gültigkeit.',
      ],
      action: 'Das war ich nicht: trennen',
    },
    authenticator_added: {
      subject: 'Ihrem Konto bei {brand} wurde eine Authentifizierungs-App hinzugefügt',
      heading: 'Eine Authentifizierungs-App wurde hinzugefügt',
      body: [
        'Für Ihr Konto auf {origin} wurde eine Authentifizierungs-App eingerichtet. Ihre Codes beweisen, dass Sie es sind.',
        'Falls Sie das nicht waren, öffnen Sie Ihr Konto, entfernen Sie die App und melden Sie sich überall sonst ab.',
      ],
    },
    authenticator_removed: {
      subject: 'Eine Authentifizierungs-App wurde aus Ihrem Konto bei {brand} entfernt',
      heading: 'Eine Authentifizierungs-App wurde entfernt',
      body: [
        'Eine Authentifizierungs-App Ihres Kontos auf {origin} wurde entfernt. Ihre Codes gelten nicht mehr.',
        'Falls Sie das nicht waren, öffnen Sie Ihr Konto, melden Sie sich überall sonst ab und richten Sie wieder eine App ein.',
      ],
    },
    passkey_added: {
      subject: 'Ihrem Konto bei {brand} wurde ein Passkey hinzugefügt',
      heading: 'Ein Passkey wurde hinzugefügt',
      body: [
        'Der Passkey {key} wurde Ihrem Konto auf {origin} hinzugefügt. Mit ihm kann man sich als Sie anmelden.',
        'Falls Sie das nicht waren, öffnen Sie Ihr Konto, entfernen Sie den Passkey und melden Sie sich überall sonst ab.',
      ],
    },
    passkey_removed: {
      subject: 'Von Ihrem Konto bei {brand} wurde ein Passkey entfernt',
      heading: 'Ein Passkey wurde entfernt',
      body: [
        'Der Passkey {key} Ihres Kontos auf {origin} wurde entfernt. Er gilt nicht mehr.',
        'Falls Sie das nicht waren, öffnen Sie Ihr Konto und melden Sie sich überall sonst ab.',
      ],
    },
    recovery_codes_made: {
      subject: 'Neue Wiederherstellungscodes für Ihr Konto bei {brand}',
      heading: 'Neue Wiederherstellungscodes wurden erstellt',
      body: [
        'Für Ihr Konto auf {origin} wurden neue Wiederherstellungscodes erstellt. Ältere gelten nicht mehr.',
        'Falls Sie das nicht waren, öffnen Sie Ihr Konto, melden Sie sich überall sonst ab und erstellen Sie neue Codes.',
      ],
    },
    recovery_code_used: {
      subject: 'Ein Wiederherstellungscode Ihres Kontos bei {brand} wurde benutzt',
      heading: 'Ein Wiederherstellungscode wurde benutzt',
      body: [
        'Jemand hat einen Wiederherstellungscode Ihres Kontos auf {origin} benutzt. Ein zweites Mal gilt er nicht.',
        'Falls Sie das nicht waren, öffnen Sie Ihr Konto, melden Sie sich überall sonst ab und erstellen Sie neue Codes.',
      ],
    },
    operator_code_made: {
      subject: 'Ein Administrator hat einen Code für Ihr Konto bei {brand} erstellt',
      heading: 'Ein Administrator hat einen Code für Sie erstellt',
      body: [
        'Ein Administrator hat einen Einmalcode erstellt, mit dem man sich in Ihrem Konto auf {origin} anmelden kann. Wer in Ihrem Namen um Hilfe bat, hat ihn bekommen.',
        'Falls Sie das nicht waren, öffnen Sie Ihr Konto, melden Sie sich überall sonst ab und sagen Sie Ihrem Administrator Bescheid.',
      ],
    },
    sign_in_method_added: {
      subject: 'Eine neue Anmeldemöglichkeit für Ihr Konto bei {brand}',
      heading: 'Eine Anmeldemöglichkeit wurde hinzugefügt',
      body: [
        'Mit {key} kann man sich jetzt auf {origin} in Ihrem Konto anmelden.',
        'Falls Sie das nicht waren, öffnen Sie Ihr Konto, entfernen Sie sie und melden Sie sich überall sonst ab.',
      ],
    },
    sign_in_method_removed: {
      subject: 'Eine Anmeldemöglichkeit für Ihr Konto bei {brand} wurde entfernt',
      heading: 'Eine Anmeldemöglichkeit wurde entfernt',
      body: [
        'Mit {key} kann man sich auf {origin} nicht mehr in Ihrem Konto anmelden.',
        'Falls Sie das nicht waren, öffnen Sie Ihr Konto, melden Sie sich überall sonst ab und prüfen Sie, womit Sie sich anmelden.',
      ],
    },
    phone_added: {
      subject: 'Ihrem Konto bei {brand} wurde eine Telefonnummer hinzugefügt',
      heading: 'Eine Telefonnummer wurde hinzugefügt',
      body: [
        'Mit der Nummer {key} kann man sich jetzt auf {origin} durch einen Code per SMS in Ihrem Konto anmelden.',
        'Falls Sie das nicht waren, öffnen Sie Ihr Konto, entfernen Sie die Nummer und melden Sie sich überall sonst ab.',
      ],
    },
    api_key_leaked: {
      subject: 'Einer Ihrer API-Schlüssel bei {brand} wurde öffentlich gefunden',
      heading: 'Ihr API-Schlüssel wurde öffentlich gefunden',
      body: [
        'Der API-Schlüssel {key} wurde dort gefunden, wo ihn alle lesen können.',
        'Zum Schutz Ihres Kontos ist er vielleicht schon gesperrt. Ersetzen Sie ihn: der neue gilt sofort, der alte nie wieder.',
        'Prüfen Sie danach, wofür er benutzt wurde, während er öffentlich war.',
      ],
      action: 'API-Schlüssel verwalten',
    },
    api_key_expiring: {
      subject: 'Ein API-Schlüssel bei {brand} läuft bald ab',
      heading: 'Ihr API-Schlüssel läuft bald ab',
      body: [
        'Der API-Schlüssel {key} gilt bis zum {date}.',
        'Was ihn benutzt, braucht vorher einen neuen Schlüssel oder ein späteres Datum.',
      ],
      action: 'API-Schlüssel verwalten',
    },
  },
  auth: {
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
  },
}
