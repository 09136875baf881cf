#!lua flags=allow-oom
-- uses shard records packing tombstones absent
-- Deletes an ended task: from now on only its tombstone is left.
-- ARGV: tenant, id, accept_by (ms, Redis's clock), tombstone lifetime (ms).
-- Returns {now, 'deleted'} | {now, 'open', status} | {now, 'gone', status, reason, finished, resource} | {now, 'unknown'} |
-- {now, 'late'}: what the client was refused never comes alive (rule 10).
local tenant, id, tombstone_ms = ARGV[1], ARGV[2], tonumber(ARGV[4])
local record, refusal = open_task_of(tenant, id, ARGV[3])
if record then return { now, 'open', record.status } end
if refusal[2] ~= 'ended' then return refusal end
bury(id, map_of(done_record_slim(id)), tombstone_ms)
return { now, 'deleted' }
