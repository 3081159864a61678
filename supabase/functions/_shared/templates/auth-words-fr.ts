import type { AuthWords } from './auth-words.ts'

export const fr: AuthWords = {
  code: 'Ou saisissez ce code là où il vous est demandé :',
  codeOnly: 'Saisissez ce code là où il vous est demandé :',
  once: 'Il sert une fois, et pas longtemps. Ne le communiquez à personne.',
  ignore: 'Si ce n’était pas vous, ignorez ce message : rien ne change.',
  alarm: 'Si ce n’était pas vous, réinitialisez votre mot de passe maintenant et déconnectez-vous partout.',
  otherProvider: 'un autre compte',
  signup: {
    subject: 'Confirmez votre adresse e-mail',
    lead: 'Confirmez que {address} est à vous, et votre compte est prêt.',
    action: 'Confirmer l’adresse',
  },
  invite: {
    subject: 'Vous êtes invité à {brand}',
    lead: 'Vous êtes invité à ouvrir un compte sur {site} avec l’adresse {address}.',
    action: 'Accepter l’invitation',
  },
  magiclink: {
    subject: 'Votre lien de connexion',
    lead: 'Suivez ce lien pour vous connecter à {site}.',
    action: 'Se connecter',
  },
  recovery: {
    subject: 'Réinitialisez votre mot de passe',
    lead: 'Quelqu’un, vous espérons-le, a demandé à réinitialiser le mot de passe de {address}.',
    action: 'Choisir un nouveau mot de passe',
  },
  email_change_current: {
    subject: 'Confirmez le changement de votre adresse e-mail',
    lead: 'Votre compte doit recevoir l’adresse {other} au lieu de {address}. Confirmez-le d’ici aussi.',
    action: 'Confirmer le changement',
  },
  email_change_new: {
    subject: 'Confirmez votre nouvelle adresse e-mail',
    lead: 'Confirmez que {address} est à vous, et elle devient l’adresse de votre compte.',
    action: 'Confirmer l’adresse',
  },
  reauthentication: {
    subject: 'Votre code de confirmation',
    lead: 'Vous allez faire quelque chose qui demande votre confirmation.',
  },
  password_changed_notification: {
    subject: 'Votre mot de passe a été changé',
    lead: 'Le mot de passe de votre compte sur {site} a été changé.',
  },
  email_changed_notification: {
    subject: 'Votre adresse e-mail a été changée',
    lead: 'L’adresse de votre compte sur {site} n’est plus {other}.',
  },
  phone_changed_notification: {
    subject: 'Votre numéro de téléphone a été changé',
    lead: 'Le numéro de téléphone de votre compte sur {site} a été changé.',
  },
  identity_linked_notification: {
    subject: 'Un moyen de connexion a été ajouté',
    lead: 'On peut maintenant se connecter à votre compte sur {site} avec {what}.',
  },
  identity_unlinked_notification: {
    subject: 'Un moyen de connexion a été retiré',
    lead: 'On ne peut plus se connecter à votre compte sur {site} avec {what}.',
  },
  mfa_factor_enrolled_notification: {
    subject: 'Un second facteur a été ajouté',
    lead: 'Un second facteur ({what}) a été ajouté à votre compte sur {site}.',
  },
  mfa_factor_unenrolled_notification: {
    subject: 'Un second facteur a été retiré',
    lead: 'Un second facteur ({what}) a été retiré de votre compte sur {site}.',
  },
  account_changed_notification: {
    subject: 'Votre compte a été modifié',
    lead: 'Un élément de votre compte sur {site} a été modifié.',
  },
}
