#!lua flags=allow-oom
-- uses shard flows records packing outbox tombstones absent
-- A delivery is tried now, whatever came of it, with the full schedule after it. ARGV: tenant, task, delivery,
-- accept_by (ms, Redis's clock).
-- Answers {'ok'} | {'no_delivery'} | {'gone', status, reason, finished, resource} | {'unknown'} | {'late'} (rule 10).
local tenant, task, id = ARGV[1], ARGV[2], ARGV[3]
if now > tonumber(ARGV[4]) then return answer { 'late' } end
local fixed = redis.call('HGET', open_key(task), 'fixed')
if fixed then
  if fixed_of({ fixed = fixed }) ~= tenant then return answer { 'unknown' } end
else
  local found = absent(tenant, task)
  if found[1] ~= 'ended' then return answer(found) end
end
local delivery = map_of(redis.call('HGETALL', delivery_key(id)))
if delivery.task ~= task then return answer { 'no_delivery' } end
if redis.call('ZSCORE', P .. 'timers', 'posting:' .. id) then
  -- It is being tried: should that fail, then once more at once.
  redis.call('HSET', delivery_key(id), 'again', '1', 'asked', '1')
else
  if delivery.status == 'pending' then delivery_leaves(id, delivery) else tried_anew(id, delivery) end
  redis.call('HSET', delivery_key(id), 'stage', '0', 'asked', '1')
  delivery_waits(id, delivery.flow)
end
return answer { 'ok' }
