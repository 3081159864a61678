import type { AuthWords } from './auth-words.ts'

export const es: AuthWords = {
  code: 'O introduzca este código donde se lo pidan:',
  codeOnly: 'Introduzca este código donde se lo pidan:',
  once: 'Sirve una vez, y por poco tiempo. No lo comparta con nadie.',
  ignore: 'Si no ha sido usted, ignore este mensaje: no cambia nada.',
  alarm: 'Si no ha sido usted, restablezca su contraseña ahora y cierre la sesión en todas partes.',
  otherProvider: 'otra cuenta',
  signup: {
    subject: 'Confirme su dirección de correo',
    lead: 'Confirme que {address} es suya, y su cuenta estará lista.',
    action: 'Confirmar la dirección',
  },
  invite: {
    subject: 'Le han invitado a {brand}',
    lead: 'Le han invitado a una cuenta en {site} con la dirección {address}.',
    action: 'Aceptar la invitación',
  },
  magiclink: {
    subject: 'Su enlace de acceso',
    lead: 'Siga este enlace para iniciar sesión en {site}.',
    action: 'Iniciar sesión',
  },
  recovery: {
    subject: 'Restablezca su contraseña',
    lead: 'Alguien, esperamos que usted, ha pedido restablecer la contraseña de {address}.',
    action: 'Elegir una contraseña nueva',
  },
  email_change_current: {
    subject: 'Confirme el cambio de su dirección de correo',
    lead: 'Su cuenta va a tener la dirección {other} en lugar de {address}. Confírmelo también desde aquí.',
    action: 'Confirmar el cambio',
  },
  email_change_new: {
    subject: 'Confirme su nueva dirección de correo',
    lead: 'Confirme que {address} es suya, y será la dirección de su cuenta.',
    action: 'Confirmar la dirección',
  },
  reauthentication: {
    subject: 'Su código de confirmación',
    lead: 'Está a punto de hacer algo que necesita su confirmación.',
  },
  password_changed_notification: {
    subject: 'Se ha cambiado su contraseña',
    lead: 'Se ha cambiado la contraseña de su cuenta en {site}.',
  },
  email_changed_notification: {
    subject: 'Se ha cambiado su dirección de correo',
    lead: 'La dirección de su cuenta en {site} ya no es {other}.',
  },
  phone_changed_notification: {
    subject: 'Se ha cambiado su número de teléfono',
    lead: 'Se ha cambiado el número de teléfono de su cuenta en {site}.',
  },
  identity_linked_notification: {
    subject: 'Se ha añadido una forma de iniciar sesión',
    lead: 'Ya se puede iniciar sesión en su cuenta en {site} con {what}.',
  },
  identity_unlinked_notification: {
    subject: 'Se ha quitado una forma de iniciar sesión',
    lead: 'Ya no se puede iniciar sesión en su cuenta en {site} con {what}.',
  },
  mfa_factor_enrolled_notification: {
    subject: 'Se ha añadido un segundo factor',
    lead: 'Se ha añadido un segundo factor ({what}) a su cuenta en {site}.',
  },
  mfa_factor_unenrolled_notification: {
    subject: 'Se ha quitado un segundo factor',
    lead: 'Se ha quitado un segundo factor ({what}) de su cuenta en {site}.',
  },
  account_changed_notification: {
    subject: 'Su cuenta ha cambiado',
    lead: 'Se ha cambiado algo en su cuenta en {site}.',
  },
}
