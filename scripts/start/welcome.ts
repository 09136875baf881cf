export interface Addresses {
  api: string
  redis: string
  /** Where the private Redis keeps its data. */
  redisData: string | undefined
  /** Whether requests need a key. */
  needsKeys: boolean
}

const NO_KEYS = `AUTH=none: nobody is asked for a key. Whatever runs on this machine can do anything here.`
const KEYS = `Requests need a key. With the same DATA_DIR, REDIS_URL and KEY_PREFIX in another shell:

  npm run -s accepted -- keys create --tenant demo`

/** What is told when everything is up. */
export function welcome({ api, redis, redisData, needsKeys }: Addresses): string {
  const key = needsKeys ? " -H 'authorization: Bearer acc_…'" : ''
  return `
Accepted is up.

  API       ${api}
  Docs      ${api}/docs
  OpenAPI   ${api}/openapi.json
  Redis     ${withoutPassword(redis)}${redisData ? `   (data in ${redisData})` : ''}

${needsKeys ? KEYS : NO_KEYS}

Order a car, which takes a while:

  curl -i -X POST ${api}/cars${key} -H 'content-type: application/json' -d '{"brand":"Ford","make":"Mustang","model":2014,"color":"Blue"}'

and ask how it goes, at the address in the answer's Location, after the seconds in its Retry-After:

  curl -i ${api}/tasks/…${key}

Ctrl-C stops everything.
`
}

/** An address as it may be shown: where it leads. */
export function withoutPassword(address: string): string {
  const url = URL.parse(address)
  if (!url) return 'an address that cannot be read'
  const { protocol, host, pathname } = url
  return `${protocol}//${url.password ? ':***@' : ''}${host}${pathname}`
}
