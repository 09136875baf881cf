import { createHash } from 'node:crypto'
import { PROBLEMS, TASK_ERRORS } from '@accepted/contract'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { OPEN } from '../auth/access.ts'
import { ProblemError } from '../problem.ts'
import { problemResponses, response } from '../responses.ts'
import { contentSecurityPolicy, PAGE_HEADERS } from '../security-headers.ts'

const PAGES: Record<string, { title: string; explanation: string; status?: number }> = {
  ...TASK_ERRORS,
  ...PROBLEMS,
}

const htmlResponse = response(
  'A page',
  Type.String({ contentMediaType: 'text/html', pattern: '^<!doctype html>', maxLength: 65_536 }),
  [
    'Content-Security-Policy',
    'Referrer-Policy',
    'X-Frame-Options',
    'Cross-Origin-Opener-Policy',
    'Permissions-Policy',
  ],
  { mediaType: 'text/html' },
)

/** `GET /problems`, `GET /problems/{code}`: what the `type` of a problem and of a task's error leads to. */
export function problemPages(app: FastifyInstance): void {
  app.get(
    '/problems',
    {
      config: { access: OPEN, produces: ['text/html'], load: 'lists' },
      schema: {
        operationId: 'problem.list',
        summary: 'All problems, explained',
        description: 'A page that names every problem and every error of a task, with its explanation.',
        tags: ['service'],
        response: { 200: htmlResponse, ...problemResponses() },
      },
    },
    async (_request, reply) => sendPage(reply, 'Problems', overview()),
  )

  app.get(
    '/problems/:code',
    {
      config: { access: OPEN, produces: ['text/html'], load: 'lists' },
      schema: {
        operationId: 'problem.read',
        summary: 'A problem, explained',
        description: 'Where the `type` of a problem, or of the error of a task, leads.',
        tags: ['service'],
        params: Type.Object({
          code: Type.String({
            pattern: '^[a-z_]{1,50}$',
            maxLength: 50,
            description: 'Its slug',
            examples: ['gone'],
          }),
        }),
        response: { 200: htmlResponse, ...problemResponses('not_found') },
      },
    },
    async (request, reply) => {
      const { code } = request.params as { code: string }
      if (!Object.hasOwn(PAGES, code)) throw new ProblemError('not_found', 'There is no such problem.')
      return sendPage(reply, PAGES[code]!.title, explanation(code))
    },
  )
}

function overview(): string {
  const list = (codes: string[]) =>
    codes
      .map((code) => {
        const { title, status } = PAGES[code]!
        const number = status ? `<span class="status">${status}</span> ` : ''
        return `<dt>${number}<a href="/problems/${code}"><code>${code}</code></a></dt><dd>${title}</dd>`
      })
      .join('')
  return `<h1>Problems</h1><p>What the <code>type</code> of an error leads to.</p>
<h2>Answers of the API</h2><dl>${list(Object.keys(PROBLEMS))}</dl>
<h2>In the <code>error</code> of a task</h2><dl>${list(Object.keys(TASK_ERRORS))}</dl>`
}

function explanation(code: string): string {
  const { title, explanation: words, status } = PAGES[code]!
  const place = status
    ? `HTTP status <span class="status">${status}</span>`
    : 'in the <code>error</code> of a task'
  return `<h1>${title}</h1><p><code>${code}</code> · ${place}</p>
<p>${words.replace(/`([^`]+)`/g, '<code>$1</code>')}</p><nav><a href="/problems">All problems</a></nav>`
}

const STYLE = `:root{color-scheme:light dark;--text:#1c2430;--soft:#5b6675;--page:#fff;--code:#eef1f5;--link:#1756a9}
@media(prefers-color-scheme:dark){:root{--text:#e4e8ee;--soft:#9aa6b5;--page:#14181f;--code:#252c37;--link:#7fb2f5}}
body{font:1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;color:var(--text);background:var(--page)}
h1{font-size:1.7rem;line-height:1.25}h2{font-size:1.1rem;margin:2rem 0 .5rem}
code{font-size:.9em;background:var(--code);padding:.1em .35em;border-radius:4px}a{color:var(--link)}
.status{color:var(--soft);font-variant-numeric:tabular-nums}dd{margin:0 0 .7rem}nav{margin-top:2rem}`

/** The page has its own style and loads nothing. */
const CONTENT_SECURITY_POLICY = contentSecurityPolicy({
  'style-src': `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
})

function sendPage(reply: FastifyReply, title: string, body: string) {
  return reply
    .type('text/html; charset=utf-8')
    .headers({ ...PAGE_HEADERS, 'content-security-policy': CONTENT_SECURITY_POLICY })
    .send(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Accepted</title><style>${STYLE}</style></head>
<body><main>${body}</main></body></html>
`)
}
