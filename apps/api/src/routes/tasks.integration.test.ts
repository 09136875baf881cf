import { expect, test } from 'vitest'
import { post } from '../testing/requests.ts'
import { MUSTANG, testApp } from '../testing/test-app.ts'

test('a tag that is still true answers 304, with the hint and without a body', async () => {
  const { ask } = await testApp()
  const { task_id } = (await ask(post('/cars', MUSTANG))).json()
  for (const url of [`/tasks/${task_id}`, `/tasks/${task_id}?style=see-other`, `/operations/${task_id}`]) {
    const read = await ask(url)
    const again = await ask({ url, headers: { 'if-none-match': String(read.headers.etag) } })
    expect(again.statusCode).toBe(304)
    expect(again.body).toBe('')
    expect(again.headers).toMatchObject({
      etag: read.headers.etag,
      'retry-after': '1',
      vary: 'Prefer, Accept',
    })
    expect((await ask({ url, headers: { 'if-none-match': 'W/"99-monitor"' } })).statusCode).toBe(
      read.statusCode,
    )
  }
})

test('HEAD answers as GET does, without the body', async () => {
  const { ask } = await testApp()
  const { task_id } = (await ask(post('/cars', MUSTANG))).json()
  const head = await ask({ method: 'HEAD', url: `/tasks/${task_id}` })
  expect(head.statusCode).toBe(202)
  expect(head.body).toBe('')
  expect(head.headers.etag).toBe('W/"1-monitor"')
})

test('problems under /operations have no numeric status', async () => {
  const { ask } = await testApp()
  const answer = await ask('/operations/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b')
  expect(answer.statusCode).toBe(404)
  expect(answer.json()).toMatchObject({ code: 'not_found' })
  expect(answer.json()).not.toHaveProperty('status')
})
