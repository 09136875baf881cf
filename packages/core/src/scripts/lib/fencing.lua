-- Each claim gives a task its token; only the latest may write. Who holds a task has a slot of its lane, and a lease.

-- The state of the task if this token may write: 'running', or 'canceling' (its attempt is to settle, or it is undone).
local function held_status(id, token)
  local held = redis.call('HMGET', open_key(id), 'status', 'token')
  if held[2] == token and (held[1] == 'running' or held[1] == 'canceling') then return held[1] end
  return nil
end

-- The whole record if this token may write.
local function held_record(id, token)
  local record = open_record(id)
  if record.token == token and (record.status == 'running' or record.status == 'canceling') then return record end
  return nil
end

-- Gives or renews a lease. It never outlasts what an attempt may take, its grace included.
local function lease_for(id, record, lease)
  local _, _, run, grace = limits_of(record)
  redis.call('ZADD', P .. 'timers', timestamp(math.min(now + lease, record.began + run + grace)), 'lease:' .. id)
end

-- What 'progress' is without word from the handler: the share of finished steps.
local function share_of(done, steps)
  return steps == 0 and 0 or math.floor(100 * done / steps)
end
