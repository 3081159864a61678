import type { AuthWords } from './auth-words.ts'

export const pt: AuthWords = {
  code: 'Ou introduza este código onde lho pedirem:',
  codeOnly: 'Introduza este código onde lho pedirem:',
  once: 'Serve uma vez, e por pouco tempo. Não o partilhe com ninguém.',
  ignore: 'Se não foi você, ignore esta mensagem: nada muda.',
  alarm: 'Se não foi você, reponha a sua palavra-passe agora e termine a sessão em todo o lado.',
  otherProvider: 'outra conta',
  signup: {
    subject: 'Confirme o seu endereço de e-mail',
    lead: 'Confirme que {address} é seu, e a sua conta fica pronta.',
    action: 'Confirmar o endereço',
  },
  invite: {
    subject: 'Foi convidado para {brand}',
    lead: 'Foi convidado para uma conta em {site} com o endereço {address}.',
    action: 'Aceitar o convite',
  },
  magiclink: {
    subject: 'A sua ligação de acesso',
    lead: 'Siga esta ligação para iniciar sessão em {site}.',
    action: 'Iniciar sessão',
  },
  recovery: {
    subject: 'Reponha a sua palavra-passe',
    lead: 'Alguém, esperamos que você, pediu para repor a palavra-passe de {address}.',
    action: 'Escolher uma nova palavra-passe',
  },
  email_change_current: {
    subject: 'Confirme a mudança do seu endereço de e-mail',
    lead: 'A sua conta vai ter o endereço {other} em vez de {address}. Confirme-o também daqui.',
    action: 'Confirmar a mudança',
  },
  email_change_new: {
    subject: 'Confirme o seu novo endereço de e-mail',
    lead: 'Confirme que {address} é seu, e passa a ser o endereço da sua conta.',
    action: 'Confirmar o endereço',
  },
  reauthentication: {
    subject: 'O seu código de confirmação',
    lead: 'Está prestes a fazer algo que precisa da sua confirmação.',
  },
  password_changed_notification: {
    subject: 'A sua palavra-passe foi alterada',
    lead: 'A palavra-passe da sua conta em {site} foi alterada.',
  },
  email_changed_notification: {
    subject: 'O seu endereço de e-mail foi alterado',
    lead: 'O endereço da sua conta em {site} já não é {other}.',
  },
  phone_changed_notification: {
    subject: 'O seu número de telefone foi alterado',
    lead: 'O número de telefone da sua conta em {site} foi alterado.',
  },
  identity_linked_notification: {
    subject: 'Foi adicionada uma forma de iniciar sessão',
    lead: 'Já se pode iniciar sessão na sua conta em {site} com {what}.',
  },
  identity_unlinked_notification: {
    subject: 'Foi removida uma forma de iniciar sessão',
    lead: 'Já não se pode iniciar sessão na sua conta em {site} com {what}.',
  },
  mfa_factor_enrolled_notification: {
    subject: 'Foi adicionado um segundo fator',
    lead: 'Foi adicionado um segundo fator ({what}) à sua conta em {site}.',
  },
  mfa_factor_unenrolled_notification: {
    subject: 'Foi removido um segundo fator',
    lead: 'Foi removido um segundo fator ({what}) da sua conta em {site}.',
  },
  account_changed_notification: {
    subject: 'A sua conta foi alterada',
    lead: 'Algo na sua conta em {site} foi alterado.',
  },
}
