import { PROBLEMS, TASK_ERRORS } from '@accepted/contract'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { ProblemError } from '../problem.ts'
import { problemResponses, response } from '../responses.ts'

const HTML = 'text/html; charset=utf-8'
const PAGES: Record<string, { title: string; explanation: string; status?: number }> = {
  ...TASK_ERRORS,
  ...PROBLEMS,
}

/** `GET /problems`, `GET /problems/{code}`: what the `type` of a problem and of a task's error leads to. */
export function problemPages(app: FastifyInstance): void {
  app.get(
    '/problems',
    {
      config: { produces: ['text/html'] },
      schema: {
        operationId: 'list_problems',
        summary: 'All problems, explained',
        tags: ['service'],
        response: {
          200: response('A page', Type.String({ contentMediaType: 'text/html' }), [], 'text/html'),
          ...problemResponses(),
        },
      },
    },
    async (_request, reply) => {
      const entries = Object.keys(PAGES).map(
        (code) =>
          `<dt><a href="/problems/${code}"><code>${code}</code></a></dt><dd>${PAGES[code]!.title}</dd>`,
      )
      return reply.type(HTML).send(page('Problems', `<dl>${entries.join('')}</dl>`))
    },
  )

  app.get(
    '/problems/:code',
    {
      config: { produces: ['text/html'] },
      schema: {
        operationId: 'read_problem',
        summary: 'A problem, explained',
        tags: ['service'],
        params: Type.Object({ code: Type.String({ pattern: '^[a-z_]{1,50}$', description: 'Its slug' }) }),
        response: {
          200: response('A page', Type.String({ contentMediaType: 'text/html' }), [], 'text/html'),
          ...problemResponses('not_found'),
        },
      },
    },
    async (request, reply) => {
      const { code } = request.params as { code: string }
      const problem = Object.hasOwn(PAGES, code) ? PAGES[code] : undefined
      if (!problem) throw new ProblemError('not_found', 'There is no such problem.')
      const status = problem.status
        ? `<p>HTTP status ${problem.status}</p>`
        : '<p>In the <code>error</code> of a task</p>'
      const explanation = problem.explanation.replace(/`([^`]+)`/g, '<code>$1</code>')
      return reply
        .type(HTML)
        .send(
          page(
            problem.title,
            `<p><code>${code}</code></p>${status}<p>${explanation}</p><p><a href="/problems">All problems</a></p>`,
          ),
        )
    },
  )
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>body{font:1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;color:#1c2430}
code{background:#eef1f5;padding:.1em .3em;border-radius:3px}dd{margin:0 0 .6rem}a{color:#1756a9}</style>
<h1>${title}</h1>${body}</html>`
}
