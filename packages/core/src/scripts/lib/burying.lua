-- Replaces an ended record by its tombstone; takes it out of the indexes, and its deliveries away. why: 'age' | 'bytes' | 'quota' | 'deleted'.
local function bury(id, record, tombstone_ms, why)
  local ending
  for i, name in ipairs(ENDINGS) do
    if name == record.status .. ':' .. (record.reason or '') then ending = i end
  end
  local dies = math.floor((now + tombstone_ms) / 1000)
  local tenant, operation = fixed_of(record)
  local key, field = tomb_place(tenant, id)
  redis.call('HSET', key, field,
    struct.pack('>BI6I4', ending, tonumber(record.finished), dies) .. (record.resource or ''))
  tombs_clear(key)
  local ttl = dies * 1000 - now
  if redis.call('PTTL', key) < ttl then redis.call('PEXPIRE', key, math.max(ttl, 1)) end
  stored.charge(tenant, id, 'ended', -redis.call('STRLEN', done_key(id)) - RECORD_BYTES)
  redis.call('DEL', done_key(id))
  drop_deliveries(id)
  redis.call('ZREM', P .. 'index:' .. tenant, id)
  stored.settle(tenant, id)
  redis.call('ZREM', status_index(tenant, operation, record.status), id)
  count_tasks(operation, record.status, -1)
  count('expired ' .. why, 1)
end
