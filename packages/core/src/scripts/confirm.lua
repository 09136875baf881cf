#!lua flags=allow-oom
-- uses shard flows records fencing waiting packing ending canceling tombstones absent
-- Confirms a task that awaits it. ARGV: tenant, id, accept_by (ms, Redis's clock), retention (ms).
-- Returns {now, 'confirmed', lane, jobs wanted, record} | {now, 'not_awaiting', status, lane, jobs wanted} | {now, 'ended',
-- status} | {now, 'gone', status, reason, finished, resource} | {now, 'unknown'} |
-- {now, 'late'}: what the client was refused never comes alive (rule 10). A word that comes too late, for
-- the confirmation or for the whole task, confirms nothing, whether or not a tick has come by (rule 6).
local tenant, id, retention = ARGV[1], ARGV[2], tonumber(ARGV[4])
local record, refusal = open_task_of(tenant, id, ARGV[3])
if not record then return refusal end
local _, _, lane = fixed_of(record)
if record.status ~= 'awaiting_confirmation' then return { now, 'not_awaiting', record.status, lane, 0 } end
local late = passed_deadline(record) and 'deadline' or now >= tonumber(record.confirm_by) and 'unconfirmed'
if late then
  local jobs = cancel_task(id, record, late, retention)
  if redis.call('EXISTS', open_key(id)) == 0 then return absent(tenant, id) end
  return { now, 'not_awaiting', 'canceling', lane, jobs }
end
local jobs = end_task(id, record, { status = 'completed', reason = '', error = '' }, retention)
return { now, 'confirmed', lane, jobs, shown(id) }
