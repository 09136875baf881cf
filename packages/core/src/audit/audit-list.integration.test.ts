import type { AuditAction } from '@accepted/contract'
import { describe, expect, test, vi } from 'vitest'
import { ApiKeys, newId } from '../index.ts'
import { ASKED, auditScene, BY } from '../testing/audit-scene.ts'
import { createdId } from '../testing/index.ts'
import type { AuditFilter, AuditPlace } from './audit-trail.ts'

describe('a list', () => {
  /** A trail with entries in both of its parts, many of them of the same millisecond. */
  async function long() {
    const made = auditScene()
    const keys = new ApiKeys(made.scripts)
    const noteSome = async () => {
      await Promise.all([
        ...Array.from({ length: 40 }, () => made.submissions.create(ASKED)),
        ...Array.from({ length: 10 }, () => keys.create({ tenant: 'default', scopes: ['admin'] }, BY)),
      ])
    }
    for (let n = 0; n < 5; n += 1) await noteSome()
    const pages = async (limit: number, filter: AuditFilter = {}, between = async () => {}) => {
      const ids: string[] = []
      let after: AuditPlace | undefined
      do {
        const { entries, next } = await made.trail.list('default', filter, limit, after)
        expect(entries.length).toBeLessThanOrEqual(limit)
        ids.push(...entries.map(({ auditId }) => auditId))
        after = next ?? undefined
        await between()
      } while (after)
      return ids
    }
    return { ...made, noteSome, pages }
  }

  test('goes from page to page without gap or repetition, while entries are added', async () => {
    const { all, pages, noteSome, trail } = await long()
    const whole = (await trail.list('default', {}, 1_000)).entries
    expect(whole).toHaveLength(250)
    const times = whole.map(({ atMs }) => atMs)
    expect(times).toEqual([...times].sort((a, b) => b - a))
    const ids = whole.map(({ auditId }) => auditId)
    for (const limit of [1, 7, 249, 250, 251]) expect(await pages(limit)).toEqual(ids)
    expect(await pages(60, {}, noteSome)).toEqual(ids)
    expect((await all()).length).toBe(200)
  })

  test('may be of one action, one task and a time', async () => {
    const { all, pages, trail, control } = await long()
    const { entries: whole, looks } = await trail.list('default', {}, 1_000)
    expect(looks).toBe(250)
    const none = await trail.list('default', { action: 'key.revoke' }, 1)
    expect([none.entries.length, none.looks]).toEqual([0, 250])
    const idsOf = (filter: (entry: (typeof whole)[number]) => boolean) =>
      whole.filter(filter).map(({ auditId }) => auditId)
    expect(await pages(7, { action: 'key.create' })).toEqual(idsOf(({ keyId }) => keyId !== null))
    for (const at of [whole[0]!, whole[100]!, whole.at(-1)!]) {
      expect(await pages(30, { afterMs: at.atMs })).toEqual(idsOf(({ atMs }) => atMs > at.atMs))
      expect(await pages(30, { beforeMs: at.atMs })).toEqual(idsOf(({ atMs }) => atMs < at.atMs))
    }
    const { taskId } = whole.find((entry) => entry.taskId)!
    await control.cancel('default', taskId!, BY)
    const ofTask: AuditAction[] = (await all('default', { taskId: taskId! })).map(({ action }) => action)
    expect(ofTask).toEqual(['task.cancel', 'task.create'])
    expect(await all('default', { taskId: taskId!, action: 'task.cancel' })).toHaveLength(1)
    for (const none of [
      { taskId: newId() },
      { action: 'task.delete' as const },
      { beforeMs: -1 },
      { beforeMs: 0 },
      { afterMs: 253_402_300_799_999 },
    ]) {
      expect(await all('default', none)).toEqual([])
    }
    expect(
      await all('default', { afterMs: -62_135_596_800_000, beforeMs: 253_402_300_799_999 }),
    ).toHaveLength(200)
    expect(await all('another')).toEqual([])
  })

  test('that goes on where entries were dropped meanwhile is at its end', async () => {
    const { trail, redis, scripts } = await long()
    const { next } = await trail.list('default', {}, 200)
    for (const prefix of [scripts.prefixOf(0), scripts.secretsPrefix]) {
      await redis.xtrim(`${prefix}audit:default`, 'MAXLEN', 1)
    }
    expect(await trail.list('default', {}, 200, next!)).toMatchObject({ entries: [], next: null })
  })

  test('that has little to tell leads on, and no call looks at more than 500 entries of a part', async () => {
    const { submissions, control, trail, scripts, pages } = await long()
    const first = createdId(await submissions.create(ASKED))
    await control.cancel('default', first, BY)
    for (let n = 0; n < 22; n += 1) {
      await Promise.all(Array.from({ length: 100 }, () => submissions.create(ASKED)))
    }
    const run = vi.spyOn(scripts, 'run')
    const rare = await trail.list('default', { action: 'task.cancel' }, 200)
    expect(rare).toEqual({ entries: [], next: expect.objectContaining({ part: 't' }), looks: 550 })
    expect(run.mock.calls.map(([name, , args]) => [name, args[5]])).toEqual([['list-audit', 500]])
    expect(await pages(200, { action: 'task.cancel' })).toHaveLength(1)
    expect(await pages(1, { taskId: first })).toHaveLength(2)
    const whole = (await trail.list('default', {}, 5_000)).entries
    for (const action of ['key.create', 'task.create'] as const) {
      const ids = whole.filter((entry) => entry.action === action).map(({ auditId }) => auditId)
      expect(await pages(7, { action })).toEqual(ids)
    }
  })
})
