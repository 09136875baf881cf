/** A connection that the rules forbid; no byte was sent. The message goes on from "it": `leads to a loopback address`. */
export class ForbiddenTarget extends Error {
  override name = 'ForbiddenTarget'
}
