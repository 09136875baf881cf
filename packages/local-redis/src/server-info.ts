import { connect } from 'node:net'

/** What Redis's INFO says of a server. */
export interface ServerInfo {
  processId: number
  version: string
  /** Still reading its data: it does not serve yet. */
  loading: boolean
}

/** Asks the Redis at a port of 127.0.0.1 who it is; undefined if nothing there answers like one in time. */
export async function askServerInfo(port: number, timeoutMs: number): Promise<ServerInfo | undefined> {
  const answer = await new Promise<string | undefined>((resolve) => {
    let received = ''
    const socket = connect({ port, host: '127.0.0.1' })
    socket.setEncoding('utf8')
    const timer = setTimeout(() => socket.destroy(), timeoutMs)
    socket.once('connect', () => socket.write('INFO\r\n'))
    socket.on('data', (chunk) => {
      received += chunk
      if (isComplete(received)) socket.destroy()
    })
    socket.on('error', () => {})
    socket.once('close', () => {
      clearTimeout(timer)
      resolve(isComplete(received) ? received : undefined)
    })
  })
  return answer === undefined ? undefined : parseInfo(answer)
}

/** A bulk reply, `$<length>\r\n<text>\r\n`, whose text has arrived; any other kind of reply never counts. */
function isComplete(received: string): boolean {
  const header = /^\$(\d+)\r\n/.exec(received)
  return header !== null && Buffer.byteLength(received) >= header[0].length + Number(header[1]) + 2
}

function parseInfo(answer: string): ServerInfo | undefined {
  const field = (name: string) => new RegExp(`^${name}:(.*)\r$`, 'm').exec(answer)?.[1]
  const processId = field('process_id')
  const version = field('valkey_version') ?? field('redis_version')
  if (processId === undefined || version === undefined) return undefined
  return { processId: Number(processId), version, loading: field('loading') === '1' }
}
