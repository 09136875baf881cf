#!lua flags=allow-oom
-- uses shard records packing tombstones absent
-- Deletes an ended task: from now on only its tombstone is left.
-- ARGV: tenant, id, accept_by (ms, Redis's clock), tombstone lifetime (ms).
-- Returns {now, 'deleted'} | {now, 'open', status} | {now, 'gone', status, reason, finished, resource} | {now, 'unknown'} |
-- {now, 'late'}: what the client was refused never comes alive (rule 10).
local tenant, id, tombstone_ms = ARGV[1], ARGV[2], tonumber(ARGV[4])
if now > tonumber(ARGV[3]) then return { now, 'late' } end
local open = redis.call('HMGET', open_key(id), 'fixed', 'status')
if open[1] then
  if open[1]:match('^%S+') ~= tenant then return { now, 'unknown' } end
  return { now, 'open', open[2] }
end
local found = absent(tenant, id)
if found[2] ~= 'ended' then return found end
bury(id, map_of(done_record_slim(id)), tombstone_ms)
return { now, 'deleted' }
