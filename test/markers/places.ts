import type { Scripts } from '@accepted/core'

type Redis = Scripts['redis']

/** All that stands in a Redis, as one text: names of keys and what they hold. */
export async function everythingIn(redis: Redis): Promise<string> {
  const parts: string[] = []
  for (const key of await redis.keys('*')) {
    parts.push(key, (await contentOf(redis, key)).map((part) => part.toString('latin1')).join('\n'))
  }
  return parts.join('\n')
}

async function contentOf(redis: Redis, key: string): Promise<Buffer[]> {
  const type = await redis.type(key)
  switch (type) {
    case 'string':
      return [(await redis.getBuffer(key)) ?? Buffer.alloc(0)]
    case 'list':
      return redis.lrangeBuffer(key, 0, -1)
    case 'set':
      return redis.smembersBuffer(key)
    case 'zset':
      return redis.zrangeBuffer(key, '0', '-1')
    case 'hash':
      return (await redis.callBuffer('HGETALL', key)) as Buffer[]
    case 'stream':
      return [(await redis.callBuffer('XRANGE', key, '-', '+')) as Buffer[]].flat(3)
    // It was gone before it was looked at.
    case 'none':
      return []
    default:
      throw new Error(`${key} is a ${type}`)
  }
}

/** A `fetch` that keeps all it was answered. */
export function recording(ask: (path: string, init?: RequestInit) => Promise<Response>) {
  const answers: string[] = []
  return {
    answers,
    async ask(path: string, init?: RequestInit): Promise<Response> {
      const answer = await ask(path, init)
      const { status, headers } = answer
      const body = await answer.clone().text()
      answers.push(`${status}\n${[...headers].map((field) => field.join(': ')).join('\n')}\n\n${body}`)
      return answer
    },
  }
}
