/** A host whose name led to no address, in words for whoever looks at the attempt. */
export class UnresolvedName extends Error {
  override name = 'UnresolvedName'
}
