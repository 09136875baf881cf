export interface Addresses {
  api: string
  redis: string
  /** Where the private Redis keeps its data. */
  redisData: string | undefined
}

/** What is told when everything is up. */
export function welcome({ api, redis, redisData }: Addresses): string {
  return `
Accepted is up.

  API       ${api}
  Docs      ${api}/docs
  OpenAPI   ${api}/openapi.json
  Redis     ${withoutPassword(redis)}${redisData ? `   (data in ${redisData})` : ''}

Order a car, which takes a while:

  curl -i -X POST ${api}/cars -H 'content-type: application/json' -d '{"brand":"Ford","make":"Mustang","model":2014,"color":"Blue"}'

and ask how it goes, at the address in the answer's Location, after the seconds in its Retry-After:

  curl -i ${api}/tasks/…

Ctrl-C stops everything.
`
}

/** An address as it may be shown. */
export function withoutPassword(address: string): string {
  const url = URL.parse(address)
  if (!url?.password) return address
  url.password = '***'
  return url.href
}
