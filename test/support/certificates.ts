import { execFileSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

export type Certificate = {
  /** PEM, and the files that hold it. */
  cert: string
  key: string
  certFile: string
  keyFile: string
  /** `x5t#S256`. */
  thumbprint: string
}

export type Authority = Certificate & {
  /** Signs a certificate with this subject, such as `/O=LanOnasis/CN=api-gateway`. */
  issue(subject: string, options?: IssueOptions): Certificate
  /** Revokes certificates; returns the file of the revocation list. */
  revoke(...certificates: Certificate[]): string
}

export type IssueOptions = {
  /** Names such as `DNS:api-gateway.internal`, `URI:spiffe://…`, `IP:127.0.0.1`, `email:a@b.example`. */
  names?: string[]
  /** `serverAuth` makes a certificate that no client may use. */
  usage?: 'clientAuth' | 'serverAuth'
  /** Validity; by default from yesterday for ten days. */
  from?: Date
  to?: Date
}

export type CertificateWorkshop = {
  directory: string
  authority(name: string): Authority
  /** A self-signed certificate. */
  selfSigned(subject: string): Certificate
  remove(): void
}

const DAY = 86_400_000
const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
const stamp = (date: Date) => `${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
const openssl = (args: string[], cwd: string) => execFileSync('openssl', args, { cwd, stdio: 'pipe' })

function read(directory: string, name: string): Certificate {
  const [certFile, keyFile] = [path.join(directory, `${name}.crt`), path.join(directory, `${name}.key`)]
  const cert = readFileSync(certFile, 'utf8')
  const thumbprint = createHash('sha256').update(new X509Certificate(cert).raw).digest('base64url')
  return { cert, key: readFileSync(keyFile, 'utf8'), certFile, keyFile, thumbprint }
}

function makeSelfSigned(directory: string, name: string, subject: string, extensions: string[]): Certificate {
  const added = extensions.flatMap((extension) => ['-addext', extension])
  const files = ['-keyout', `${name}.key`, '-out', `${name}.crt`]
  openssl(['req', '-x509', ...EC_KEY, ...files, '-subj', subject, '-days', '10', ...added], directory)
  return read(directory, name)
}

/** Makes certificates with OpenSSL in a directory of its own. */
export function openWorkshop(): CertificateWorkshop {
  const directory = mkdtempSync(path.join(tmpdir(), 'certificates-'))
  let made = 0

  function issue(authority: string, subject: string, options: IssueOptions): Certificate {
    const name = `certificate-${++made}`
    const { names = [], usage = 'clientAuth' } = options
    const { from = new Date(Date.now() - DAY), to = new Date(Date.now() + 9 * DAY) } = options
    const extensions = [
      'basicConstraints=CA:FALSE',
      `extendedKeyUsage=${usage}`,
      ...(names.length > 0 ? [`subjectAltName=${names.join(',')}`] : []),
    ]
    writeFileSync(path.join(directory, `${name}.ext`), extensions.join('\n'))
    openssl(
      ['req', '-new', ...EC_KEY, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-utf8', '-subj', subject],
      directory,
    )
    const when = ['-startdate', stamp(from), '-enddate', stamp(to)]
    const files = ['-in', `${name}.csr`, '-out', `${name}.crt`, '-extfile', `${name}.ext`]
    openssl(['ca', '-batch', '-notext', '-config', `${authority}/ca.conf`, ...files, ...when], directory)
    return read(directory, name)
  }

  return {
    directory,
    authority(name) {
      const home = path.join(directory, name)
      mkdirSync(home)
      writeFileSync(path.join(home, 'index'), '')
      writeFileSync(
        path.join(home, 'ca.conf'),
        `[ca]\ndefault_ca=own\n[own]\ndatabase=${home}/index\nnew_certs_dir=${home}\ncertificate=${home}.crt\n` +
          'rand_serial=yes\nunique_subject=no\ndefault_md=sha256\ndefault_crl_days=1\npolicy=any\npreserve=yes\n' +
          `private_key=${home}.key\n[any]\ncountryName=optional\norganizationName=optional\n` +
          'organizationalUnitName=optional\ncommonName=optional\n',
      )
      const usage = 'keyUsage=critical,keyCertSign,cRLSign'
      const own = makeSelfSigned(directory, name, `/O=LanOnasis/CN=${name}`, [usage])
      const ca = ['ca', '-config', `${name}/ca.conf`]
      return {
        ...own,
        issue: (subject, options = {}) => issue(name, subject, options),
        revoke(...certificates) {
          for (const { certFile } of certificates) openssl([...ca, '-revoke', certFile], directory)
          openssl([...ca, '-gencrl', '-out', `${name}.crl`], directory)
          return path.join(directory, `${name}.crl`)
        },
      }
    },
    selfSigned: (subject) => makeSelfSigned(directory, `certificate-${++made}`, subject, []),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}
