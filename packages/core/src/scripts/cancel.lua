#!lua flags=allow-oom
-- uses shard flows records fencing waiting packing ending canceling tombstones absent
-- Cancels a task on its client's word. ARGV: tenant, id, accept_by (ms, Redis's clock), retention (ms).
-- Returns {now, 'canceled' | 'canceling', lane, jobs wanted, record} (again while it is canceling) | {now, 'ended', status} |
-- {now, 'gone', status, reason, finished, resource} | {now, 'unknown'} |
-- {now, 'late'}: what the client was refused never comes alive (rule 10).
local tenant, id, retention = ARGV[1], ARGV[2], tonumber(ARGV[4])
local record, refusal = open_task_of(tenant, id, ARGV[3])
if not record then return refusal end
local _, _, lane = fixed_of(record)
local jobs = 0
if record.status ~= 'canceling' then jobs = cancel_task(id, record, 'client', retention) end
local outcome = redis.call('EXISTS', open_key(id)) == 1 and 'canceling' or 'canceled'
return { now, outcome, lane, jobs, shown(id) }
