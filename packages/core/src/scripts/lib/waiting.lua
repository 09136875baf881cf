-- One step of priority is worth this much waiting: 0 overtakes 5s that came up to 50 s before it, and no flood of
-- urgent tasks can hold up the others for ever.
local PRIORITY_STEP_US = 10 * 1000000

-- Puts a pending task among the waiting items of its flow. Returns 1 if that made the flow ready, else 0.
local function enqueue(id, lane, flow, order, priority)
  return flow_push(lane, flow, id, string.format('%.0f', order + priority * PRIORITY_STEP_US))
end

-- Puts an open task where it waits: what is to be undone goes before all that is to be done.
local function wait_in(id, record, flow)
  local _, _, lane, priority, order = fixed_of(record)
  if record.status == 'canceling' then flow_push(lane, flow, id, '0')
  else enqueue(id, lane, flow, order, priority) end
  if flow_lets_in(lane, flow) then want(lane, 1) end
end

-- Takes a task from where it stands: its slot, the timers, or its flow.
local function leave(id, record)
  local _, _, lane = fixed_of(record)
  if redis.call('ZREM', P .. 'timers', 'lease:' .. id) == 1 then return flow_release(lane, record.flow) end
  if redis.call('ZREM', P .. 'timers', 'retry:' .. id) == 0 then flow_remove(lane, record.flow, id) end
end

-- A task that is held waits again, in `how.flow` or, until `how.due` if that is given, among the timers.
-- `how.counts`: whether the attempt is used up. `how.error`: of the attempt.
local function requeue(id, record, how)
  leave(id, record)
  local fields = attempt_ended(record, how.error)
  redis.call('HSET', open_key(id), 'flow', how.flow)
  local _, operation = fixed_of(record)
  if how.counts then count('retries ' .. operation, 1) end
  if record.status == 'canceling' then
    fields = merged(fields, steps_become(record, { b = 'x' }))
    if how.counts then redis.call('HINCRBY', open_key(id), 'undos', 1) end
  else
    index_move(id, record, 'pending')
    fields.status = 'pending'
    fields.attempt = tostring(record.attempt - (how.counts and 0 or 1))
    fields.progress = tostring(share_of(record.done, (limits_of(record))))
    -- A step that was begun but not finished is to be begun again.
    for field in pairs(steps_in(record, 'b')) do redis.call('HDEL', open_key(id), field) end
    fields = merged(fields, steps_become(record, { d = 'p', q = 'p' }))
  end
  -- Of an undo that goes back nothing is shown.
  if next(fields) then change(id, record, fields) end
  if not how.due then return wait_in(id, record, how.flow) end
  redis.call('ZADD', P .. 'timers', timestamp(how.due), 'retry:' .. id)
end
