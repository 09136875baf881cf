#!lua flags=allow-oom
-- uses shard limits shares groups flows records fencing waiting packing outbox ending canceling tombstones absent audit
-- Takes back creates whose clients were refused, since the answer of Redis got lost. One that nobody has begun leaves nothing;
-- one that a worker has begun is canceled, and what was finished of it undone. One that has an Idempotency-Key stays if it has
-- begun, since whoever repeats the key is to find it, or if that was repeated: somebody may have been answered with it.
-- ARGV, 4 an item: tenant, id, idempotency key ('' = none), who takes it back (audit.lua); before them the retention (ms).
-- Answers for each 'withdrawn' | 'canceled' | 'canceling' | 'kept' | 'ended' | 'unknown'. Upholds rule 10.
local STRIDE = 4
local retention = tonumber(ARGV[1])

-- After a day away the key may lead to another task by now.
local function forget_key(tenant, id, key)
  local name = P .. 'key:' .. tenant .. ':' .. key
  local used = redis.call('GET', name)
  if used and used:match(' (%S+)$') == id then redis.call('DEL', name) end
end

-- As if it had never been.
local function forget(tenant, id, record)
  local _, operation = fixed_of(record)
  leave(id, record)
  forget_limits(id, record)
  stored.charge(tenant, id, 'open', -stored.open_bytes(record.head, record.body))
  redis.call('ZREM', P .. 'index:' .. tenant, id)
  stored.settle(tenant, id)
  redis.call('ZREM', status_index(tenant, operation, record.status), id)
  count_tasks(operation, record.status, -1)
  count('withdrawn ' .. operation, 1)
  redis.call('DEL', open_key(id))
  announce(id, record.version + 1)
end

local function withdraw(tenant, id, key, by)
  local record, refusal = open_task_of(tenant, id, math.huge)
  if not record then return refusal[1] == 'unknown' and 'unknown' or 'ended' end
  local _, operation = fixed_of(record)
  local begun = record.token ~= '0' or record.status ~= 'pending'
  if record.asked or (begun and key ~= '') then return 'kept' end
  if not begun then
    if key ~= '' then forget_key(tenant, id, key) end
    forget(tenant, id, record)
    audit(tenant, 'task.withdraw', by, id, operation)
    return 'withdrawn'
  end
  if record.status ~= 'canceling' then
    cancel_task(id, record, 'client', retention)
    audit(tenant, 'task.withdraw', by, id, operation)
  end
  return redis.call('EXISTS', open_key(id)) == 1 and 'canceling' or 'canceled'
end

local outcomes = {}
for at = 2, #ARGV, STRIDE do outcomes[#outcomes + 1] = withdraw(ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]) end
return answer(outcomes)
