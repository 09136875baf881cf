#!lua flags=no-writes
-- uses shard limits shares groups flows records packing outbox tombstones absent
-- The deliveries of a task, the first one first. ARGV: tenant, id.
-- Answers {'task', its head, {id, when it is next tried (ms; '' = it is tried, waits its turn, or is over), its fields}…} |
-- {'gone', status, reason, finished, resource} | {'unknown'}.
local tenant, id = ARGV[1], ARGV[2]
local fixed = redis.call('HGET', open_key(id), 'fixed')
local head
if fixed then
  if fixed_of({ fixed = fixed }) ~= tenant then return answer { 'unknown' } end
  head = redis.call('HGET', open_key(id), 'head')
else
  local found = absent(tenant, id)
  if found[1] ~= 'ended' then return answer(found) end
  head = map_of(done_record_slim(id)).head
end
local page = { 'task', head }
for _, delivery in ipairs(redis.call('LRANGE', P .. 'dlvs:' .. id, 0, -1)) do
  local fields = map_of(redis.call('HGETALL', delivery_key(delivery)))
  local next_try
  if fields.status == 'pending' then
    next_try = redis.call('ZSCORE', P .. 'timers', 'due:' .. delivery)
      or redis.call('HGET', endpoint_key(fields.flow), 'probe')
  end
  local shown = {}
  for field, value in pairs(fields) do
    if field ~= 'record' then
      shown[#shown + 1] = field
      shown[#shown + 1] = value
    end
  end
  page[#page + 1] = { delivery, next_try or '', joined(shown) }
end
return answer(page)
