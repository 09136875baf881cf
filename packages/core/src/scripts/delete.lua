#!lua flags=allow-oom
-- uses shard records packing tombstones
-- Deletes an ended task: from now on only its tombstone is left. ARGV: tenant, id, tombstone lifetime (ms).
-- Returns {now, 'deleted'} | {now, 'open', status} | {now, 'gone', status, reason, finished, resource} | {now, 'unknown'}.
local tenant, id, tombstone_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])
local open = redis.call('HMGET', open_key(id), 'fixed', 'status')
if open[1] then
  if open[1]:match('^%S+') ~= tenant then return { now, 'unknown' } end
  return { now, 'open', open[2] }
end
local flat = done_record_slim(id)
if flat then
  local record = map_of(flat)
  if fixed_of(record) ~= tenant then return { now, 'unknown' } end
  bury(id, record, tombstone_ms)
  if tonumber(record.expires) > now then return { now, 'deleted' } end
  return { now, 'gone', record.status, record.reason or '', record.finished, record.resource or '' }
end
local tombstone = tomb_read(tenant, id)
if not tombstone then return { now, 'unknown' } end
return { now, 'gone', unpack(tombstone) }
