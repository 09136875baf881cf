#!lua flags=allow-oom
-- uses shard limits shares groups flows records fencing waiting packing outbox ending canceling tombstones absent audit
-- Confirms a task that awaits it. ARGV: tenant, id, accept_by (ms, Redis's clock), retention (ms), who asks for it (audit.lua).
-- Answers {'confirmed', record} | {'not_awaiting', status} | {'ended', status} |
-- {'gone', status, reason, finished, resource} | {'unknown'} |
-- {'late'}: what the client was refused never comes alive (rule 10). A word that comes too late, for
-- the confirmation or for the whole task, confirms nothing, whether or not a tick has come by (rule 6).
local tenant, id, retention = ARGV[1], ARGV[2], tonumber(ARGV[4])
local record, refusal = open_task_of(tenant, id, ARGV[3])
if not record then return answer(refusal) end
if record.status ~= 'awaiting_confirmation' then return answer { 'not_awaiting', record.status } end
local late = passed_deadline(record) and 'deadline' or now >= tonumber(record.confirm_by) and 'unconfirmed'
if late then
  cancel_task(id, record, late, retention)
  if redis.call('EXISTS', open_key(id)) == 0 then return answer(absent(tenant, id)) end
  return answer { 'not_awaiting', 'canceling' }
end
local _, operation = fixed_of(record)
end_task(id, record, { status = 'completed', reason = '', error = '' }, retention)
audit(tenant, 'task.confirm', ARGV[5], id, operation)
return answer { 'confirmed', shown(id) }
