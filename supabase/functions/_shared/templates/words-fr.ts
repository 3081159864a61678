import type { Words } from './words.ts'

export const fr: Words = {
  lang: 'fr',
  minute: '1 minute',
  minutes: '{count} minutes',
  automated: 'Envoyé automatiquement par {origin}. Les réponses à cette adresse ne sont pas lues.',
  otp: {
    subject: 'Votre code de connexion {brand}',
    preview: 'Ouvrez ce message pour voir votre code pour {origin}. Il sert une fois, pendant {minutes}.',
    heading: 'Votre code de connexion',
    lead: 'Saisissez ce code sur {origin} pour vous connecter.',
    leadFor: 'Saisissez ce code sur {origin} pour continuer vers {client}.',
    validity: 'Il sert une fois, pendant {minutes}.',
    never: 'Ne communiquez jamais ce code.',
    where:
      'Personne chez {brand} ne vous le demandera. Saisissez-le uniquement sur {origin}, jamais sur un autre site, jamais au téléphone.',
    ignore: 'Si vous ne l’avez pas demandé, ignorez ce message : personne ne peut se connecter sans le code.',
  },
  link: {
    subject: 'Connexion à {brand}',
    heading: 'Connectez-vous avec ce lien',
    lead: 'Vous avez demandé à vous connecter sur {origin}. Ouvrez le lien, vérifiez ce qui s’y trouve, puis confirmez.',
    leadFor:
      'Vous avez demandé à vous connecter sur {origin} pour continuer vers {client}. Ouvrez le lien, vérifiez ce qui s’y trouve, puis confirmez.',
    action: 'Se connecter',
    validity: 'Il sert une fois, pendant {minutes}. L’ouvrir ne suffit pas : seule votre confirmation vous connecte.',
    ignore: 'Si vous ne l’avez pas demandé, ignorez ce message et ne confirmez rien. Ne transmettez jamais ce lien.',
  },
  sms: {
    code: '{code} est votre code {brand}, valable {minutes}.',
    plain: '{code} est votre code {brand}.',
    never: 'Ne le communiquez jamais.',
  },
  notice: {
    openAccount: 'Ouvrir votre compte',
    unnamed: 'une de vos clés',
    unnamedClient: 'Une application',
    unnamedBrowser: 'une application ou un script',
    new_sign_in: {
      subject: 'Nouvelle connexion à votre compte {brand}',
      heading: 'Nouvelle connexion à votre compte',
      body: [
        'Votre compte sur {origin} a été utilisé depuis un endroit nouveau : {browser}, réseau {network}, le {time}.',
        'Si c’était vous, il n’y a rien à faire. Sinon, ouvrez le lien et confirmez : ce navigateur est déconnecté et tout ce qu’il a obtenu prend fin.',
      ],
      action: 'Ce n’était pas moi',
    },
    identities_merged: {
      subject: 'Deux comptes {brand} ont été réunis',
      heading: 'Deux comptes ont été réunis',
      body: [
        'Le compte de cette adresse et un autre ont été réunis sur {origin}. Les deux désignent maintenant la même personne : tout est au même endroit.',
        'Si ce n’était pas vous, ouvrez votre compte, annulez la réunion, puis déconnectez-vous partout ailleurs.',
      ],
    },
    device_connected: {
      subject: 'Un appareil a été connecté à votre compte {brand}',
      heading: 'Un appareil a été connecté à votre compte',
      body: [
        '{key} vient d’être connecté à votre compte depuis un appareil ou un terminal.',
        'Si c’était vous, il n’y a rien à faire. Sinon, déconnectez-le maintenant : ce qu’il a obtenu cesse aussitôt de fonctionner.',
      ],
      action: 'Ce n’était pas moi : déconnecter',
    },
    authenticator_added: {
      subject: 'Une application d’authentification a été ajoutée à votre compte {brand}',
      heading: 'Une application d’authentification a été ajoutée',
      body: [
        'Une application d’authentification a été configurée pour votre compte sur {origin}. Ses codes prouvent que c’est vous.',
        'Si ce n’était pas vous, ouvrez votre compte, retirez l’application et déconnectez-vous partout ailleurs.',
      ],
    },
    authenticator_removed: {
      subject: 'Une application d’authentification a été retirée de votre compte {brand}',
      heading: 'Une application d’authentification a été retirée',
      body: [
        'Une application d’authentification de votre compte sur {origin} a été retirée. Ses codes ne fonctionnent plus.',
        'Si ce n’était pas vous, ouvrez votre compte, déconnectez-vous partout ailleurs et configurez à nouveau une application.',
      ],
    },
    passkey_added: {
      subject: 'Une clé d’accès a été ajoutée à votre compte {brand}',
      heading: 'Une clé d’accès a été ajoutée',
      body: [
        'La clé d’accès {key} a été ajoutée à votre compte sur {origin}. Elle permet de se connecter à votre place.',
        'Si ce n’était pas vous, ouvrez votre compte, retirez la clé et déconnectez-vous partout ailleurs.',
      ],
    },
    passkey_removed: {
      subject: 'Une clé d’accès a été retirée de votre compte {brand}',
      heading: 'Une clé d’accès a été retirée',
      body: [
        'La clé d’accès {key} de votre compte sur {origin} a été retirée. Elle ne permet plus de se connecter.',
        'Si ce n’était pas vous, ouvrez votre compte et déconnectez-vous partout ailleurs.',
      ],
    },
    recovery_codes_made: {
      subject: 'Nouveaux codes de secours pour votre compte {brand}',
      heading: 'De nouveaux codes de secours ont été créés',
      body: [
        'De nouveaux codes de secours ont été créés pour votre compte sur {origin}. Les anciens ne fonctionnent plus.',
        'Si ce n’était pas vous, ouvrez votre compte, déconnectez-vous partout ailleurs et créez de nouveaux codes.',
      ],
    },
    recovery_code_used: {
      subject: 'Un code de secours de votre compte {brand} a été utilisé',
      heading: 'Un code de secours a été utilisé',
      body: [
        'Quelqu’un a utilisé un code de secours de votre compte sur {origin}. Il ne fonctionne pas une seconde fois.',
        'Si ce n’était pas vous, ouvrez votre compte, déconnectez-vous partout ailleurs et créez de nouveaux codes.',
      ],
    },
    operator_code_made: {
      subject: 'Un administrateur a créé un code pour votre compte {brand}',
      heading: 'Un administrateur a créé un code pour vous',
      body: [
        'Un administrateur a créé un code à usage unique qui permet de se connecter à votre compte sur {origin}. Il a été donné à la personne qui a demandé de l’aide en votre nom.',
        'Si ce n’était pas vous, ouvrez votre compte, déconnectez-vous partout ailleurs et prévenez votre administrateur.',
      ],
    },
    sign_in_method_added: {
      subject: 'Un nouveau moyen de se connecter à votre compte {brand}',
      heading: 'Un moyen de connexion a été ajouté',
      body: [
        '{key} permet maintenant de se connecter à votre compte sur {origin}.',
        'Si ce n’était pas vous, ouvrez votre compte, retirez-le et déconnectez-vous partout ailleurs.',
      ],
    },
    sign_in_method_removed: {
      subject: 'Un moyen de se connecter à votre compte {brand} a été retiré',
      heading: 'Un moyen de connexion a été retiré',
      body: [
        '{key} ne permet plus de se connecter à votre compte sur {origin}.',
        'Si ce n’était pas vous, ouvrez votre compte, déconnectez-vous partout ailleurs et vérifiez vos moyens de connexion.',
      ],
    },
    phone_added: {
      subject: 'Un numéro de téléphone a été ajouté à votre compte {brand}',
      heading: 'Un numéro de téléphone a été ajouté',
      body: [
        'Le numéro {key} permet maintenant de se connecter à votre compte sur {origin} avec un code par SMS.',
        'Si ce n’était pas vous, ouvrez votre compte, retirez le numéro et déconnectez-vous partout ailleurs.',
      ],
    },
    api_key_leaked: {
      subject: 'Une de vos clés d’API {brand} a été trouvée en public',
      heading: 'Votre clé d’API a été trouvée en public',
      body: [
        'La clé d’API {key} a été trouvée là où tout le monde peut la lire.',
        'Pour protéger votre compte, elle est peut-être déjà bloquée. Remplacez-la : la nouvelle fonctionne aussitôt, l’ancienne plus jamais.',
        'Vérifiez ensuite à quoi la clé a servi pendant qu’elle était publique.',
      ],
      action: 'Gérer les clés d’API',
    },
    api_key_expiring: {
      subject: 'Une clé d’API {brand} expire bientôt',
      heading: 'Votre clé d’API expire bientôt',
      body: [
        'La clé d’API {key} cesse de fonctionner le {date}.',
        'Ce qui l’utilise a besoin d’une nouvelle clé, ou d’une date plus lointaine, avant ce jour.',
      ],
      action: 'Gérer les clés d’API',
    },
  },
  auth: {
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
  },
}
