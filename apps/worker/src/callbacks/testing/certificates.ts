import { generate } from 'selfsigned'

/** A certificate and its key, in PEM. */
export interface Identity {
  cert: string
  key: string
}

export interface CertificateOptions {
  /** Who signs it; itself, if not given. */
  by?: Identity
  isAuthority?: boolean
  /** Names it is for. */
  hosts?: string[]
  notBefore?: Date
  notAfter?: Date
}

/** Makes a certificate. */
export async function makeCertificate(
  name: string,
  { by, isAuthority = false, hosts = [], notBefore, notAfter }: CertificateOptions = {},
): Promise<Identity> {
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: isAuthority, critical: true },
      isAuthority
        ? { name: 'keyUsage', keyCertSign: true, critical: true }
        : { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'subjectAltName', altNames: hosts.map((value) => ({ type: 2, value })) },
    ],
    ...(by ? { ca: by } : {}),
    ...(notBefore ? { notBeforeDate: notBefore } : {}),
    ...(notAfter ? { notAfterDate: notAfter } : {}),
  })
  return { cert: made.cert, key: made.private }
}
