#!lua
-- uses shard limits shares groups flows records packing outbox tombstones absent audit
-- A delivery is tried now, whatever came of it, with the full schedule after it. ARGV: tenant, task, delivery,
-- accept_by (ms, Redis's clock), who asks for it (audit.lua).
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
redis.call('HSET', delivery_key(id), 'asked', '1')
audit(tenant, 'delivery.redeliver', ARGV[5], task, '', id)
if redis.call('ZSCORE', P .. 'timers', 'posting:' .. id) then
  -- It is being tried: should that fail, then once more at once.
  redis.call('HSET', delivery_key(id), 'again', '1')
  return answer { 'ok' }
end
redis.call('HSET', delivery_key(id), 'stage', '0', 'again', '')
local waiting = flow_key(CALLBACKS, delivery.flow)
if redis.call('ZSCORE', waiting, id) then
  -- It keeps its place, unless it waits behind all others.
  redis.call('ZADD', waiting, 'LT', string.format('%.0f', now_us), id)
else
  if delivery.status == 'pending' then delivery_leaves(id, delivery) else tried_anew(id, delivery) end
  delivery_waits(id, delivery.flow)
end
return answer { 'ok' }
