-- Each claim gives a task its token; only the latest may write. Who holds a task has a slot of its lane, and a lease.

-- Whether a token may write. A task that is canceling may wait to be undone: its latest token is nobody's then.
local function holds(id, token, record)
  if record.token ~= token then return false end
  if record.status == 'canceling' then return redis.call('ZSCORE', P .. 'timers', 'lease:' .. id) ~= false end
  return record.status == 'running'
end

-- The state of the task if this token may write: 'running', or 'canceling' (its attempt is to settle, or it is undone).
local function held_status(id, token)
  local held = redis.call('HMGET', open_key(id), 'status', 'token')
  return holds(id, token, { status = held[1], token = held[2] }) and held[1] or nil
end

-- The whole record if this token may write.
local function held_record(id, token)
  local record = open_record(id)
  return holds(id, token, record) and record or nil
end

-- What a holder has, after its grace, to say what came of its attempt.
local SAY_MS = 2000

-- Gives or renews a lease. It never outlasts what an attempt may take, its grace included.
local function lease_for(id, record, lease)
  local _, _, run, grace = limits_of(record)
  redis.call('ZADD', P .. 'timers', timestamp(math.min(now + lease, record.began + run + grace + SAY_MS)), 'lease:' .. id)
end
