import type { Words } from './words.ts'

export const es: Words = {
  lang: 'es',
  minute: '1 minuto',
  minutes: '{count} minutos',
  automated: 'Enviado automáticamente por {origin}. Las respuestas a esta dirección no se leen.',
  otp: {
    subject: 'Su código de acceso a {brand}',
    preview: 'Abra este mensaje para ver su código para {origin}. Sirve una vez, durante {minutes}.',
    heading: 'Su código de acceso',
    lead: 'Introduzca este código en {origin} para iniciar sesión.',
    leadFor: 'Introduzca este código en {origin} para continuar a {client}.',
    validity: 'Sirve una vez, durante {minutes}.',
    never: 'No comparta nunca este código.',
    where:
      'Nadie de {brand} se lo pedirá nunca. Introdúzcalo solo en {origin}, nunca en otro sitio, nunca por teléfono.',
    ignore: 'Si no lo ha pedido, ignore este mensaje: nadie puede iniciar sesión sin el código.',
  },
  link: {
    subject: 'Iniciar sesión en {brand}',
    heading: 'Inicie sesión con este enlace',
    lead: 'Ha pedido iniciar sesión en {origin}. Abra el enlace, compruebe lo que dice y confirme.',
    leadFor:
      'Ha pedido iniciar sesión en {origin} para continuar a {client}. Abra el enlace, compruebe lo que dice y confirme.',
    action: 'Iniciar sesión',
    validity: 'Sirve una vez, durante {minutes}. Abrirlo no basta: solo su confirmación inicia la sesión.',
    ignore: 'Si no lo ha pedido, ignore este mensaje y no confirme nada. No comparta nunca el enlace.',
  },
  sms: {
    code: '{code} es su código de {brand}, válido {minutes}.',
    plain: '{code} es su código de {brand}.',
    never: 'No lo comparta nunca.',
  },
  notice: {
    openAccount: 'Abrir su cuenta',
    unnamed: 'una de sus claves',
    unnamedClient: 'Una aplicación',
    unnamedBrowser: 'una aplicación o un script',
    new_sign_in: {
      subject: 'Nuevo inicio de sesión en su cuenta de {brand}',
      heading: 'Nuevo inicio de sesión en su cuenta',
      body: [
        'Su cuenta en {origin} se ha usado desde un lugar nuevo: {browser}, red {network}, el {time}.',
        'Si ha sido usted, no hay nada que hacer. Si no, abra el enlace y confirme: se cierra la sesión de ese navegador y termina todo lo que obtuvo.',
      ],
      action: 'No he sido yo',
    },
    identities_merged: {
      subject: 'Se han unido dos cuentas de {brand}',
      heading: 'Se han unido dos cuentas',
      body: [
        'La cuenta con esta dirección y otra se han unido en {origin}. Ambas identifican ahora a la misma persona: todo está en un solo lugar.',
        'Si no ha sido usted, abra su cuenta, deshaga la unión y cierre la sesión en todos los demás sitios.',
      ],
    },
    device_connected: {
      subject: 'Se ha conectado un dispositivo a su cuenta de {brand}',
      heading: 'Se ha conectado un dispositivo a su cuenta',
      body: [
        '{key} acaba de iniciar sesión en su cuenta desde un dispositivo o terminal.',
        'Si ha sido usted, no hay nada que hacer. Si no, desconéctelo ahora: lo que obtuvo deja de funcionar de inmediato.',
      ],
      action: 'No he sido yo: desconectar',
    },
    authenticator_added: {
      subject: 'Se ha añadido una aplicación de autenticación a su cuenta de {brand}',
      heading: 'Se ha añadido una aplicación de autenticación',
      body: [
        'Se ha configurado una aplicación de autenticación para su cuenta en {origin}. Sus códigos prueban que es usted.',
        'Si no ha sido usted, abra su cuenta, quite la aplicación y cierre la sesión en todos los demás sitios.',
      ],
    },
    authenticator_removed: {
      subject: 'Se ha quitado una aplicación de autenticación de su cuenta de {brand}',
      heading: 'Se ha quitado una aplicación de autenticación',
      body: [
        'Se ha quitado una aplicación de autenticación de su cuenta en {origin}. Sus códigos ya no funcionan.',
        'Si no ha sido usted, abra su cuenta, cierre la sesión en todos los demás sitios y configure de nuevo una aplicación.',
      ],
    },
    passkey_added: {
      subject: 'Se ha añadido una llave de acceso a su cuenta de {brand}',
      heading: 'Se ha añadido una llave de acceso',
      body: [
        'La llave de acceso {key} se ha añadido a su cuenta en {origin}. Permite iniciar sesión como usted.',
        'Si no ha sido usted, abra su cuenta, quite la llave y cierre la sesión en todos los demás sitios.',
      ],
    },
    passkey_removed: {
      subject: 'Se ha quitado una llave de acceso de su cuenta de {brand}',
      heading: 'Se ha quitado una llave de acceso',
      body: [
        'La llave de acceso {key} de su cuenta en {origin} se ha quitado. Ya no permite iniciar sesión.',
        'Si no ha sido usted, abra su cuenta y cierre la sesión en todos los demás sitios.',
      ],
    },
    recovery_codes_made: {
      subject: 'Nuevos códigos de recuperación para su cuenta de {brand}',
      heading: 'Se han creado nuevos códigos de recuperación',
      body: [
        'Se han creado nuevos códigos de recuperación para su cuenta en {origin}. Los anteriores ya no funcionan.',
        'Si no ha sido usted, abra su cuenta, cierre la sesión en todos los demás sitios y cree nuevos códigos.',
      ],
    },
    recovery_code_used: {
      subject: 'Se ha usado un código de recuperación de su cuenta de {brand}',
      heading: 'Se ha usado un código de recuperación',
      body: [
        'Alguien ha usado un código de recuperación de su cuenta en {origin}. No funciona una segunda vez.',
        'Si no ha sido usted, abra su cuenta, cierre la sesión en todos los demás sitios y cree nuevos códigos.',
      ],
    },
    operator_code_made: {
      subject: 'Un administrador ha creado un código para su cuenta de {brand}',
      heading: 'Un administrador ha creado un código para usted',
      body: [
        'Un administrador ha creado un código de un solo uso que permite iniciar sesión en su cuenta en {origin}. Se ha entregado a quien pidió ayuda en su nombre.',
        'Si no ha sido usted, abra su cuenta, cierre la sesión en todos los demás sitios y avise a su administrador.',
      ],
    },
    sign_in_method_added: {
      subject: 'Una nueva forma de iniciar sesión en su cuenta de {brand}',
      heading: 'Se ha añadido una forma de iniciar sesión',
      body: [
        'Ya se puede iniciar sesión en su cuenta en {origin} con {key}.',
        'Si no ha sido usted, abra su cuenta, quítela y cierre la sesión en todos los demás sitios.',
      ],
    },
    sign_in_method_removed: {
      subject: 'Se ha quitado una forma de iniciar sesión en su cuenta de {brand}',
      heading: 'Se ha quitado una forma de iniciar sesión',
      body: [
        'Ya no se puede iniciar sesión en su cuenta en {origin} con {key}.',
        'Si no ha sido usted, abra su cuenta, cierre la sesión en todos los demás sitios y compruebe cómo inicia sesión.',
      ],
    },
    phone_added: {
      subject: 'Se ha añadido un número de teléfono a su cuenta de {brand}',
      heading: 'Se ha añadido un número de teléfono',
      body: [
        'El número {key} ya puede iniciar sesión en su cuenta en {origin} con un código por SMS.',
        'Si no ha sido usted, abra su cuenta, quite el número y cierre la sesión en todos los demás sitios.',
      ],
    },
    api_key_leaked: {
      subject: 'Una de sus claves de API de {brand} se ha encontrado en público',
      heading: 'Su clave de API se ha encontrado en público',
      body: [
        'La clave de API {key} se ha encontrado donde todo el mundo puede leerla.',
        'Para proteger su cuenta puede que ya esté bloqueada. Sustitúyala: la nueva funciona de inmediato, la antigua nunca más.',
        'Después compruebe para qué se usó la clave mientras fue pública.',
      ],
      action: 'Gestionar las claves de API',
    },
    api_key_expiring: {
      subject: 'Una clave de API de {brand} está a punto de caducar',
      heading: 'Su clave de API está a punto de caducar',
      body: [
        'La clave de API {key} deja de funcionar el {date}.',
        'Lo que la usa necesita antes una clave nueva o una fecha posterior.',
      ],
      action: 'Gestionar las claves de API',
    },
  },
  auth: {
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
  },
}
