#!lua flags=allow-oom
-- uses shard limits shares groups flows records fencing waiting packing outbox ending canceling tombstones absent audit
-- Cancels a task on its client's word. ARGV: tenant, id, accept_by (ms, Redis's clock), retention (ms), who asks for it (audit.lua).
-- Answers {'canceled' | 'canceling', record} (again while it is canceling) | {'ended', status} |
-- {'gone', status, reason, finished, resource} | {'unknown'} |
-- {'late'}: what the client was refused never comes alive (rule 10).
local tenant, id, retention = ARGV[1], ARGV[2], tonumber(ARGV[4])
local record, refusal = open_task_of(tenant, id, ARGV[3])
if not record then return answer(refusal) end
if record.status ~= 'canceling' then
  local _, operation = fixed_of(record)
  cancel_task(id, record, 'client', retention)
  audit(tenant, 'task.cancel', ARGV[5], id, operation)
end
local outcome = redis.call('EXISTS', open_key(id)) == 1 and 'canceling' or 'canceled'
return answer { outcome, shown(id) }
