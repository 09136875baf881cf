#!lua flags=allow-oom
-- uses shard limits shares groups flows records packing outbox tombstones burying absent audit
-- Deletes an ended task: from now on only its tombstone is left.
-- ARGV: tenant, id, accept_by (ms, Redis's clock), tombstone lifetime (ms), who asks for it (audit.lua).
-- Answers {'deleted'} | {'open', status} | {'gone', status, reason, finished, resource} | {'unknown'} |
-- {'late'}: what the client was refused never comes alive (rule 10).
local tenant, id, tombstone_ms = ARGV[1], ARGV[2], tonumber(ARGV[4])
local record, refusal = open_task_of(tenant, id, ARGV[3])
if record then return answer { 'open', record.status } end
if refusal[1] ~= 'ended' then return answer(refusal) end
local ended = map_of(done_record_slim(id))
local _, operation = fixed_of(ended)
bury(id, ended, tombstone_ms, 'deleted')
audit(tenant, 'task.delete', ARGV[5], id, operation)
return answer { 'deleted' }
