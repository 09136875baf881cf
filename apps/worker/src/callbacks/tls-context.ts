import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'

/** Paths of PEM files; what is not set is empty or undefined. */
export interface TlsPaths {
  /** Our certificate for receivers that ask for one; any intermediate ones follow it. */
  certPath?: string | undefined
  keyPath?: string | undefined
  /** Authorities that receivers' certificates may come from, besides the public ones. */
  caPath?: string | undefined
}

/** The context of every connection, or what is wrong with the files, in words for whoever starts the process. */
export type TlsContext =
  | { outcome: 'context'; context: SecureContext }
  | { outcome: 'faulty'; faults: string[] }

/**
 * Reads what TLS to receivers needs. It is one context for all connections, since to make one is to parse every
 * authority's certificate.
 */
export function readTlsContext({ certPath, keyPath, caPath }: TlsPaths): TlsContext {
  const cert = certPath ? readCertificates(certPath) : undefined
  const key = keyPath ? readKey(keyPath) : undefined
  const ca = caPath ? readCertificates(caPath) : undefined
  const faults: string[] = []
  if (isFault(cert)) faults.push(`CALLBACK_TLS_CERT=${certPath}: ${cert.fault}`)
  if (isFault(key)) faults.push(`CALLBACK_TLS_KEY=${keyPath}: ${key.fault}`)
  if (isFault(ca)) faults.push(`CALLBACK_TLS_CA=${caPath}: ${ca.fault}`)
  if (cert && !key) faults.push('CALLBACK_TLS_CERT: needs CALLBACK_TLS_KEY, its private key')
  if (key && !cert) faults.push('CALLBACK_TLS_KEY: needs CALLBACK_TLS_CERT, its certificate')
  if (isFault(cert) || isFault(key) || isFault(ca) || faults.length > 0) return { outcome: 'faulty', faults }
  if (cert && key && !cert.first.checkPrivateKey(key.object)) {
    const fault = `CALLBACK_TLS_KEY=${keyPath}: is not the key of the certificate in CALLBACK_TLS_CERT`
    return { outcome: 'faulty', faults: [fault] }
  }
  const context = createSecureContext({
    ...(cert && key ? { cert: cert.pem, key: key.pem } : {}),
    // What is given here takes the place of the public authorities, so they are given too.
    ...(ca ? { ca: [...getCACertificates('default'), ca.pem] } : {}),
  })
  return { outcome: 'context', context }
}

/** Why a file is of no use; the words go on from its path. */
interface Fault {
  fault: string
}

const DAMAGED: Fault = { fault: 'is damaged' }

function isFault(read: object | undefined): read is Fault {
  return read !== undefined && 'fault' in read
}

function readCertificates(path: string): { pem: string; first: X509Certificate } | Fault {
  const file = readText(path)
  if (isFault(file)) return file
  const blocks = file.pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)
  if (!blocks) return { fault: 'holds no certificate in PEM' }
  try {
    const [first] = blocks.map((block) => new X509Certificate(block))
    return { ...file, first: first! }
  } catch {
    return DAMAGED
  }
}

function readKey(path: string): { pem: string; object: KeyObject } | Fault {
  const file = readText(path)
  if (isFault(file)) return file
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(file.pem)) return { fault: 'holds no private key in PEM' }
  if (/ENCRYPTED/.test(file.pem)) return { fault: 'is encrypted; a key without a passphrase is needed' }
  try {
    return { ...file, object: createPrivateKey(file.pem) }
  } catch {
    return DAMAGED
  }
}

function readText(path: string): { pem: string } | Fault {
  try {
    return { pem: readFileSync(path, 'utf8') }
  } catch (error) {
    return { fault: `cannot be read (${(error as NodeJS.ErrnoException).code})` }
  }
}
