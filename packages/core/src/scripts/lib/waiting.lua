-- One step of priority is worth this much waiting: 0 overtakes 5s that came up to 50 s before it, and no flood of
-- urgent tasks can hold up the others for ever.
local PRIORITY_STEP_US = 10 * 1000000

-- Puts a pending task among the waiting items of its flow. Returns 1 if that made the flow ready, else 0.
local function enqueue(id, lane, flow, order, priority)
  return flow_push(lane, flow, id, string.format('%.0f', order + priority * PRIORITY_STEP_US))
end

-- A running task is pending again. It waits in its flow, or until `due` if that is given.
-- `counts`: whether the attempt is used up. Returns how many jobs its lane wants for it now.
local function requeue(id, record, flow, counts, due, error)
  local tenant, operation, lane, priority, order, steps = fixed_of(record)
  local history = 'attempt:' .. record.token
  redis.call('HSET', open_key(id), 'status', 'pending', 'flow', flow, 'updated', now_text,
    'version', tostring(record.version + 1), 'attempt', tostring(record.attempt - (counts and 0 or 1)),
    'progress', tostring(share_of(record.done, steps)), history, record[history] .. ' ' .. now_text .. ' ' .. error)
  -- A step that was begun but not finished is to be begun again.
  for field, value in pairs(record) do
    if field:sub(1, 5) == 'step:' and value:sub(1, 1) == 'b' then redis.call('HDEL', open_key(id), field) end
  end
  redis.call('ZREM', P .. 'timers', 'lease:' .. id)
  index_move(id, tenant, operation, order, 'running', 'pending')
  local jobs = flow_release(lane, record.flow)
  if due then
    redis.call('ZADD', P .. 'timers', due, 'retry:' .. id)
    return jobs
  end
  enqueue(id, lane, flow, order, priority)
  return jobs + 1
end
