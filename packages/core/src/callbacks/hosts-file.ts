import { isIP } from 'node:net'

/** The addresses of each name of a hosts file, hosts(5): `ADDRESS NAME [ALIAS…]`. Lines that are not so are passed over. */
export function parseHostsFile(text: string): Map<string, string[]> {
  const hosts = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (isIP(address) === 0) continue
    for (const name of names.map((each) => each.toLowerCase())) {
      hosts.set(name, [...(hosts.get(name) ?? []), address])
    }
  }
  return hosts
}
