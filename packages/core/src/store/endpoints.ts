export { CALLBACK_LANE } from '@accepted/contract'

/**
 * The flow of an endpoint: a receiver's origin as one tenant uses it. What one tenant's receiver does there is nothing to
 * another's.
 */
export function endpointFlow(tenant: string, url: string): string {
  return `${tenant} ${new URL(url).origin}`
}

/** The origin of an endpoint, by its flow. */
export function originOf(flow: string): string {
  return flow.slice(flow.indexOf(' ') + 1)
}
