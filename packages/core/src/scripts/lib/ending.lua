-- How many recent durations of an operation are kept.
local RECENT = 64

-- A running task ends. ending = {status, reason, result, resource, error, retention}.
-- Returns how many jobs its lane wants.
local function end_task(id, record, ending)
  local tenant, operation, lane, _, order = fixed_of(record)
  local flow, history = record.flow, 'attempt:' .. record.token
  local expires = now + ending.retention
  record[history] = record[history] .. ' ' .. now_text .. ' ' .. ending.error
  record.status, record.version = ending.status, tostring(record.version + 1)
  record.reason, record.error = ending.reason, ending.error
  record.result, record.resource = ending.result, ending.resource
  record.finished, record.updated = now_text, now_text
  record.expires = string.format('%.0f', expires)
  if ending.status == 'completed' then record.progress = '100' end

  redis.call('SET', done_key(id), pack_record(record))
  redis.call('DEL', open_key(id))
  index_move(id, tenant, operation, order, 'running', ending.status)
  local minute = string.format('%.0f', math.floor(expires / 60000) + 1)
  if redis.call('RPUSH', P .. 'expire:' .. minute, id) == 1 then
    redis.call('ZADD', P .. 'timers', minute * 60000, 'expire:' .. minute)
  end
  if ending.status == 'completed' then
    local recent = P .. 'recent:' .. operation
    local known = redis.call('LPUSH', recent, tostring(now - record.began))
    if known > 2 * RECENT then redis.call('LTRIM', recent, 0, RECENT - 1) end
  end
  redis.call('ZREM', P .. 'timers', 'lease:' .. id)
  return flow_release(lane, flow)
end
