-- How many recent durations of an operation are kept.
local RECENT = 64

-- Takes note of how long the work of an attempt took.
local function note_duration(record)
  local _, operation = fixed_of(record)
  local recent = P .. 'recent:' .. operation
  local known = redis.call('LPUSH', recent, tostring(now - record.began))
  if known > 2 * RECENT then redis.call('LTRIM', recent, 0, RECENT - 1) end
end

-- Takes away the timers that a task may have besides its place.
local function forget_limits(id, record)
  if record.start_by then redis.call('ZREM', P .. 'timers', 'start:' .. id) end
  if record.deadline then redis.call('ZREM', P .. 'timers', 'deadline:' .. id) end
  if record.confirm_by then redis.call('ZREM', P .. 'timers', 'confirm:' .. id) end
end

-- An open task ends, wherever it stands. ending = {status, reason, error}; what the work made is in the record.
local function end_task(id, record, ending, retention)
  leave(id, record)
  forget_limits(id, record)
  local tenant = fixed_of(record)
  stored.charge(tenant, id, 'open', -stored.open_bytes(record.head, record.body))
  local operation = index_move(id, record, ending.status)
  count(table.concat({ 'ended', operation, ending.status, ending.reason }, ' '), 1)
  local expires = now + retention
  local cause = ending.error ~= '' and ending.error or ending.reason
  local ended = merged(attempt_ended(record, cause), steps_become(record, { b = 'x', d = 'y', q = 'y', r = 'y' }), {
    status = ending.status, reason = ending.reason, error = ending.error, version = tostring(record.version + 1),
    finished = now_text, updated = now_text, expires = timestamp(expires),
  })
  if ending.status == 'completed' then ended.progress = '100' else ended.result, ended.resource = '', '' end
  for field, value in pairs(ended) do record[field] = value end
  local packed = pack_record(record)
  redis.call('SET', done_key(id), packed)
  stored.charge(tenant, id, 'ended', #packed + RECORD_BYTES)
  redis.call('DEL', open_key(id))
  expire_at(id, expires)
  notify(id, record, ending.status)
  stored.can_go(tenant, id)
  announce(id, record.version)
end
