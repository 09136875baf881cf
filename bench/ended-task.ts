import type { Submissions, Work } from '@accepted/core'
import { submissionOf } from './submission.ts'

/** Makes an ended task of 1 KB that made a resource, in the lane `bench`. */
export async function endedTask(submissions: Submissions, work: Work, n: number): Promise<void> {
  await submissions.create(
    submissionOf('car.build', {
      lane: 'bench',
      head: {
        resource: '/cars',
        verb: 'POST',
        header: { 'content-type': 'application/json' },
        params: {},
        steps: ['stamp', 'weld', 'paint'],
        collection: 'cars',
        requestId: '0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      },
      body: JSON.stringify({ text: 'x'.repeat(1_000), n }),
    }),
  )
  const claim = await work.claim(0, 'bench')
  if (!claim) throw new Error('nothing to claim')
  const id = claim.task.taskId
  await work.end(claim, {
    status: 'completed',
    reason: null,
    result: `{"car_id":"${id}"}`,
    resource: `/cars/${id}`,
    error: null,
  })
}
