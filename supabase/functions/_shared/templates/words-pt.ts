import type { Words } from './words.ts'

export const pt: Words = {
  lang: 'pt',
  minute: '1 minuto',
  minutes: '{count} minutos',
  automated: 'Enviado automaticamente por {origin}. As respostas a este endereço não são lidas.',
  otp: {
    subject: 'O seu código de acesso {brand}',
    preview: 'Abra esta mensagem para ver o seu código para {origin}. Serve uma vez, durante {minutes}.',
    heading: 'O seu código de acesso',
    lead: 'Introduza este código em {origin} para iniciar sessão.',
    leadFor: 'Introduza este código em {origin} para continuar para {client}.',
    validity: 'Serve uma vez, durante {minutes}.',
    never: 'Nunca partilhe este código.',
    where: 'Ninguém da {brand} lho pedirá. Introduza-o apenas em {origin}, nunca noutro site, nunca por telefone.',
    ignore: 'Se não o pediu, ignore esta mensagem: ninguém pode iniciar sessão sem o código.',
  },
  link: {
    subject: 'Iniciar sessão em {brand}',
    heading: 'Inicie sessão com esta ligação',
    lead: 'Pediu para iniciar sessão em {origin}. Abra a ligação, verifique o que lá está e confirme.',
    leadFor:
      'Pediu para iniciar sessão em {origin} para continuar para {client}. Abra a ligação, verifique o que lá está e confirme.',
    action: 'Iniciar sessão',
    validity: 'Serve uma vez, durante {minutes}. Abri-la não basta: só a sua confirmação inicia a sessão.',
    ignore: 'Se não a pediu, ignore esta mensagem e não confirme nada. Nunca partilhe a ligação.',
  },
  sms: {
    code: '{code} é o seu código {brand}, válido por {minutes}.',
    plain: '{code} é o seu código {brand}.',
    never: 'Nunca o partilhe.',
  },
  notice: {
    openAccount: 'Abrir a sua conta',
    unnamed: 'uma das suas chaves',
    unnamedClient: 'Uma aplicação',
    unnamedBrowser: 'uma aplicação ou um script',
    new_sign_in: {
      subject: 'Novo início de sessão na sua conta {brand}',
      heading: 'Novo início de sessão na sua conta',
      body: [
        'A sua conta em {origin} foi usada a partir de um lugar novo: {browser}, rede {network}, em {time}.',
        'Se foi você, não há nada a fazer. Se não foi, abra a ligação e confirme: a sessão desse navegador termina, e com ela tudo o que obteve.',
      ],
      action: 'Não fui eu',
    },
    identities_merged: {
      subject: 'Duas contas {brand} foram unidas',
      heading: 'Duas contas foram unidas',
      body: [
        'A conta com este endereço e outra foram unidas em {origin}. Ambas identificam agora a mesma pessoa: tudo está num só lugar.',
        'Se não foi você, abra a sua conta, desfaça a união e termine a sessão em todos os outros sítios.',
      ],
    },
    device_connected: {
      subject: 'Um dispositivo foi ligado à sua conta {brand}',
      heading: 'Um dispositivo foi ligado à sua conta',
      body: [
        '{key} acabou de iniciar sessão na sua conta a partir de um dispositivo ou terminal.',
        'Se foi você, não há nada a fazer. Se não foi, desligue-o agora: o que obteve deixa de funcionar imediatamente.',
      ],
      action: 'Não fui eu: desligar',
    },
    authenticator_added: {
      subject: 'Uma aplicação de autenticação foi adicionada à sua conta {brand}',
      heading: 'Uma aplicação de autenticação foi adicionada',
      body: [
        'Uma aplicação de autenticação foi configurada para a sua conta em {origin}. Os códigos dela provam que é mesmo o titular.',
        'Se não foi você, abra a sua conta, remova a aplicação e termine a sessão em todos os outros sítios.',
      ],
    },
    authenticator_removed: {
      subject: 'Uma aplicação de autenticação foi removida da sua conta {brand}',
      heading: 'Uma aplicação de autenticação foi removida',
      body: [
        'Uma aplicação de autenticação da sua conta em {origin} foi removida. Os códigos dela já não funcionam.',
        'Se não foi você, abra a sua conta, termine a sessão em todos os outros sítios e configure novamente uma aplicação.',
      ],
    },
    passkey_added: {
      subject: 'Uma chave de acesso foi adicionada à sua conta {brand}',
      heading: 'Uma chave de acesso foi adicionada',
      body: [
        'A chave de acesso {key} foi adicionada à sua conta em {origin}. Permite iniciar sessão em seu nome.',
        'Se não foi você, abra a sua conta, remova a chave e termine a sessão em todos os outros sítios.',
      ],
    },
    passkey_removed: {
      subject: 'Uma chave de acesso foi removida da sua conta {brand}',
      heading: 'Uma chave de acesso foi removida',
      body: [
        'A chave de acesso {key} da sua conta em {origin} foi removida. Já não permite iniciar sessão.',
        'Se não foi você, abra a sua conta e termine a sessão em todos os outros sítios.',
      ],
    },
    recovery_codes_made: {
      subject: 'Novos códigos de recuperação para a sua conta {brand}',
      heading: 'Foram criados novos códigos de recuperação',
      body: [
        'Foram criados novos códigos de recuperação para a sua conta em {origin}. Os anteriores já não funcionam.',
        'Se não foi você, abra a sua conta, termine a sessão em todos os outros sítios e crie novos códigos.',
      ],
    },
    recovery_code_used: {
      subject: 'Um código de recuperação da sua conta {brand} foi usado',
      heading: 'Um código de recuperação foi usado',
      body: [
        'Alguém usou um código de recuperação da sua conta em {origin}. Ele não funciona uma segunda vez.',
        'Se não foi você, abra a sua conta, termine a sessão em todos os outros sítios e crie novos códigos.',
      ],
    },
    operator_code_made: {
      subject: 'Um administrador criou um código para a sua conta {brand}',
      heading: 'Um administrador criou um código para si',
      body: [
        'Um administrador criou um código de uso único que permite iniciar sessão na sua conta em {origin}. Foi entregue a quem pediu ajuda em seu nome.',
        'Se não foi você, abra a sua conta, termine a sessão em todos os outros sítios e avise o seu administrador.',
      ],
    },
    sign_in_method_added: {
      subject: 'Uma nova forma de iniciar sessão na sua conta {brand}',
      heading: 'Foi adicionada uma forma de iniciar sessão',
      body: [
        'Já é possível iniciar sessão na sua conta em {origin} com {key}.',
        'Se não foi você, abra a sua conta, remova-a e termine a sessão em todos os outros sítios.',
      ],
    },
    sign_in_method_removed: {
      subject: 'Foi removida uma forma de iniciar sessão na sua conta {brand}',
      heading: 'Foi removida uma forma de iniciar sessão',
      body: [
        'Já não é possível iniciar sessão na sua conta em {origin} com {key}.',
        'Se não foi você, abra a sua conta, termine a sessão em todos os outros sítios e verifique como inicia sessão.',
      ],
    },
    phone_added: {
      subject: 'Um número de telefone foi adicionado à sua conta {brand}',
      heading: 'Um número de telefone foi adicionado',
      body: [
        'O número {key} já pode iniciar sessão na sua conta em {origin} com um código por SMS.',
        'Se não foi você, abra a sua conta, remova o número e termine a sessão em todos os outros sítios.',
      ],
    },
    api_key_leaked: {
      subject: 'Uma das suas chaves de API {brand} foi encontrada em público',
      heading: 'A sua chave de API foi encontrada em público',
      body: [
        'A chave de API {key} foi encontrada onde qualquer pessoa a pode ler.',
        'Para proteger a sua conta, pode já estar bloqueada. Substitua-a: a nova funciona imediatamente, a antiga nunca mais.',
        'Depois veja para que foi usada a chave enquanto esteve em público.',
      ],
      action: 'Gerir as chaves de API',
    },
    api_key_expiring: {
      subject: 'Uma chave de API {brand} está prestes a expirar',
      heading: 'A sua chave de API está prestes a expirar',
      body: [
        'A chave de API {key} deixa de funcionar em {date}.',
        'O que a usa precisa antes de uma chave nova ou de uma data posterior.',
      ],
      action: 'Gerir as chaves de API',
    },
  },
  auth: {
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
  },
}
