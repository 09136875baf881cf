#!lua flags=allow-oom
-- uses shard flows records packing outbox tombstones burying absent
-- Deletes an ended task: from now on only its tombstone is left. ARGV: tenant, id, accept_by (ms, Redis's clock), tombstone
-- lifetime (ms).
-- Answers {'deleted'} | {'open', status} | {'gone', status, reason, finished, resource} | {'unknown'} |
-- {'late'}: what the client was refused never comes alive (rule 10).
local tenant, id, tombstone_ms = ARGV[1], ARGV[2], tonumber(ARGV[4])
if now > tonumber(ARGV[3]) then return answer { 'late' } end
local open = redis.call('HMGET', open_key(id), 'fixed', 'status')
if open[1] then
  if open[1]:match('^%S+') ~= tenant then return answer { 'unknown' } end
  return answer { 'open', open[2] }
end
local found = absent(tenant, id)
if found[1] ~= 'ended' then return answer(found) end
bury(id, map_of(done_record_slim(id)), tombstone_ms)
return answer { 'deleted' }
