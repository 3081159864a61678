import type { Branding } from './branding.ts'

export interface MailFrame {
  lang: string
  brand: Branding
  title: string
  /** Shown by mail clients next to the subject; must contain no secret. */
  preview: string
  footer: string
  /** The middle of the message: rows made with `row`, already escaped. */
  rows: string
}

/** Escapes text for an HTML text node or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}

/** Returns one row of the card. `content` is HTML. */
export function row(content: string, padding = '0 40px 20px'): string {
  return `<tr><td class="pad" style="padding:${padding}">${content}</td></tr>`
}

const FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"

/** Returns a whole mail: tables and inline styles for old clients, a dark palette for those that support `prefers-color-scheme`. */
export function mailLayout(frame: MailFrame): string {
  const title = escapeHtml(frame.title)
  return `<!doctype html>
<html lang="${frame.lang}" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body class="ground" style="margin:0;padding:0;background:#f2f5f4;-webkit-text-size-adjust:100%">
<div style="display:none;max-height:0;overflow:hidden;opacity:0" aria-hidden="true">${escapeHtml(frame.preview)}${'&#8199;&#847; '.repeat(70)}</div>
<div role="article" aria-roledescription="e-mail" aria-label="${title}" lang="${frame.lang}">
<table role="presentation" class="ground" width="100%" cellpadding="0" cellspacing="0" border="0" style="background:#f2f5f4">
<tr><td align="center" class="outer" style="padding:40px 16px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:480px;${FONT};font-size:16px;line-height:1.55">
<tr><td style="padding:0 4px 20px">
<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr>
<td class="mark" width="32" height="32" align="center" aria-hidden="true" style="width:32px;height:32px;background:${frame.brand.colour};border-radius:9px;color:${frame.brand.onColour};font-size:17px;line-height:32px;font-weight:700">${escapeHtml([...frame.brand.name][0]?.toUpperCase() ?? '')}</td>
<td class="ink" style="padding-left:10px;color:#14211e;font-size:17px;font-weight:650;letter-spacing:-.2px">${escapeHtml(frame.brand.name)}</td>
</tr></table>
</td></tr>
<tr><td class="card" style="background:#ffffff;border:1px solid #d6dedb;border-radius:16px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">
${row(`<h1 class="ink" style="margin:0;color:#14211e;font-size:25px;line-height:1.25;font-weight:650;letter-spacing:-.4px">${title}</h1>`, '36px 40px 10px')}
${frame.rows}
</table>
</td></tr>
<tr><td class="muted" style="padding:20px 4px 0;color:#50605b;font-size:13px;line-height:1.5">${escapeHtml(frame.footer)}</td></tr>
</table>
</td></tr>
</table>
</div>
</body>
</html>
`
}

const STYLE = `
:root{color-scheme:light dark;supported-color-schemes:light dark}
a[x-apple-data-detectors]{color:inherit!important;text-decoration:none!important}
@media (max-width:480px){.outer{padding:24px 12px!important}.pad{padding-left:24px!important;padding-right:24px!important}
.code{font-size:34px!important;letter-spacing:6px!important;padding-left:6px!important}}
@media (prefers-color-scheme:dark){.ground{background:#0d1312!important}.card{background:#151d1b!important;border-color:#2a3633!important}
.ink{color:#e7eeeb!important}.muted{color:#a2b1ac!important}
.tint{background:#1a2623!important;border-color:#2a3633!important}.caution{background:#282110!important;border-color:#5f4d1e!important}
.caution-ink{color:#f0cd83!important}}
`
