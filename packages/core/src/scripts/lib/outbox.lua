-- Callbacks, written in the step that they tell of. A delivery is the hash 'dlv:ID': task, event, flow, version and at (ms) of
-- the event, expires (of an ended task), record (of one that had not ended, as it was then) and left_out (1: its result is
-- too long for a message); status, stage (of the schedule), tries, token, losses, asked (1: its client has asked for it again),
-- again (1: while it was tried), 'attempt:N' = "at HTTP-status duration error". 'dlvs:TASK' list of its deliveries,
-- 'trying:TASK' set of those that are pending. A pending delivery is an item of its endpoint's flow, or due by 'due:ID', or tried
-- by who has 'posting:ID'. 'withheld' set of ended tasks that were to make room while they were tried: they stand in no list of
-- expiry until they are not. 'failed:FLOW' zset of the failed by their events' times, 'failing:TENANT' set of flows that have some.

-- As `callback` of a record names the events that are wanted: letters, then its flow.
local EVENT_LETTERS = {
  started = 's', progress = 'p', awaiting_confirmation = 'w', completed = 'c', failed = 'f', canceled = 'x',
}
local LONGEST_RESULT = 20000
-- Of a task's progress no more is told than once in so long, the newest.
local PROGRESS_GAP_MS = 500
local MOST_ATTEMPTS = 100
-- Of a task's progress that was told so many messages stay, with its others.
local MOST_DELIVERIES = 100
-- An endpoint at which nothing is tried any more is remembered for so long.
local ENDPOINT_KEPT_MS = 7 * 24 * 3600000

-- What a delivery takes in Redis besides the record that it carries and its attempts: what it counts in the figure 'stored', as
-- RECORD_BYTES of a record.
local DELIVERY_BYTES = 700

local function delivery_key(delivery) return P .. 'dlv:' .. delivery end

-- Whether a task's `callback` asks for an event; its flow.
local function told_of(callback, event)
  local letters, flow = (callback or ''):match('^(%S+) (.+)$')
  if not letters or not letters:find(EVENT_LETTERS[event], 1, true) then return nil end
  return flow
end

-- What a message may show of a task, flat; and 1 if its result had to be left out.
local function told_record(record)
  local flat, left_out = {}, ''
  for field, value in pairs(record) do
    local hidden = value == '' or field == 'body' or SPENT[field] and field ~= 'confirm_by'
    if field == 'result' and #value > LONGEST_RESULT then hidden, left_out = true, '1' end
    if not hidden then
      flat[#flat + 1] = field
      flat[#flat + 1] = kept_of(field, value)
    end
  end
  return flat, left_out
end

-- A UUIDv7 of this moment in the task's shard.
local function delivery_id(task, version, event)
  local hash = redis.sha1hex(task .. version .. event)
  local time = string.format('%012x', now)
  local variant = string.format('%x', 8 + tonumber(hash:sub(1, 1), 16) % 4)
  return table.concat({
    time:sub(1, 8), time:sub(9), '7' .. task:sub(16, 18), variant .. hash:sub(2, 4), hash:sub(5, 16),
  }, '-')
end

-- A delivery may be tried: now, or behind all that becomes due within `behind` ms. Beyond the cap of its flow no job is wanted:
-- those that are tried before it make room for it, and go on with it.
local function delivery_waits(delivery, flow, behind)
  flow_push(CALLBACKS, flow, delivery, string.format('%.0f', now_us + 1000 * (behind or 0)))
  local ready = redis.call('ZSCORE', P .. 'turns:' .. CALLBACKS, flow)
  if ready and redis.call('ZCARD', flow_key(CALLBACKS, flow)) <= flow_room(CALLBACKS, flow) then want(CALLBACKS, 1) end
end

local function delivery_due(delivery, due) redis.call('ZADD', P .. 'timers', timestamp(due), 'due:' .. delivery) end

local function write_event(delivery, id, record, flow, event)
  local key = delivery_key(delivery)
  redis.call('HSET', key, 'task', id, 'event', event, 'flow', flow, 'version', record.version, 'at', now_text)
  if record.finished then return redis.call('HSET', key, 'expires', record.expires) end
  local flat, left_out = told_record(record)
  local text = joined(flat)
  stored.charge(tenant_of(flow), id, 'ended', #text - redis.call('HSTRLEN', key, 'record'))
  redis.call('HSET', key, 'record', text, 'left_out', left_out)
end

-- An endpoint was just used: it stands among those of its tenant, and those that were not used for long are forgotten.
local function endpoint_used(flow)
  local all = P .. 'endpoints:' .. tenant_of(flow)
  redis.call('ZADD', all, now_text, flow)
  redis.call('ZREMRANGEBYSCORE', all, '-inf', now - ENDPOINT_KEPT_MS)
  redis.call('PEXPIRE', all, ENDPOINT_KEPT_MS)
end

local function is_tried(id, task, flow)
  redis.call('SADD', P .. 'trying:' .. task, id)
  if redis.call('HINCRBY', endpoint_key(flow), 'pending', 1) > 1 then return end
  -- While it has some, an endpoint is not forgotten: its count would be.
  redis.call('PERSIST', endpoint_key(flow))
  endpoint_used(flow)
end

-- An ended task whose deliveries are over may make room again, in its turn.
local function no_longer_withheld(task)
  if redis.call('EXISTS', P .. 'trying:' .. task) == 1 or redis.call('SREM', P .. 'withheld', task) == 0 then return end
  local slim = done_record_slim(task)
  if slim then expire_at(task, map_of(slim).expires) end
end

local function no_longer_tried(id, delivery)
  local key = endpoint_key(delivery.flow)
  redis.call('SREM', P .. 'trying:' .. delivery.task, id)
  no_longer_withheld(delivery.task)
  stored.can_go(tenant_of(delivery.flow), delivery.task)
  if redis.call('HINCRBY', key, 'pending', -1) > 0 then return end
  redis.call('HDEL', key, 'pending')
  redis.call('PEXPIRE', key, ENDPOINT_KEPT_MS)
end

-- Makes a delivery. Returns its id.
local function deliver(id, record, flow, event)
  local delivery = delivery_id(id, record.version, event)
  write_event(delivery, id, record, flow, event)
  redis.call('HSET', delivery_key(delivery), 'status', 'pending', 'stage', '0', 'tries', '0', 'token', '0')
  redis.call('RPUSH', P .. 'dlvs:' .. id, delivery)
  stored.charge(tenant_of(flow), id, 'ended', DELIVERY_BYTES)
  is_tried(delivery, id, flow)
  return delivery
end

-- Tells of a change of a task, if it is to be told. `record`: as it is now.
local function notify(id, record, event)
  local flow = told_of(record.callback, event)
  if flow then delivery_waits(deliver(id, record, flow, event), flow) end
end

-- Progress of which there is newer word, or an end, is not worth telling, unless its client has asked for it.
local function obsolete(id, delivery)
  if delivery.event ~= 'progress' or delivery.asked then return false end
  return redis.call('HGET', open_key(delivery.task), 'telling') ~= id
end

-- A delivery is over for good.
local function delivery_fails(id, delivery, retention)
  redis.call('HSET', delivery_key(id), 'status', 'failed')
  count('callbacks failed', 1)
  redis.call('ZADD', P .. 'failed:' .. delivery.flow, delivery.at, id)
  redis.call('SADD', P .. 'failing:' .. tenant_of(delivery.flow), delivery.flow)
  no_longer_tried(id, delivery)
  -- Who has missed a message has the whole retention to ask for it again.
  local slim = done_record_slim(delivery.task)
  if slim and tonumber(map_of(slim).expires) < now + retention then keep_until(delivery.task, now + retention) end
end

-- What was failed is so no longer.
local function failed_no_more(id, delivery)
  local failed = P .. 'failed:' .. delivery.flow
  if redis.call('ZREM', failed, id) == 0 then return end
  if redis.call('EXISTS', failed) == 0 then redis.call('SREM', P .. 'failing:' .. tenant_of(delivery.flow), delivery.flow) end
end

-- What was over is tried again, on its client's word.
local function tried_anew(id, delivery)
  failed_no_more(id, delivery)
  redis.call('HSET', delivery_key(id), 'status', 'pending', 'stage', '0', 'asked', '1')
  is_tried(id, delivery.task, delivery.flow)
end

local function note_attempt(id, delivery, attempt)
  local tries = delivery.tries + 1
  local field, eldest = 'attempt:' .. tries, 'attempt:' .. tries - MOST_ATTEMPTS
  redis.call('HSET', delivery_key(id), 'tries', tries, field, attempt)
  count('callback_attempts', 1)
  stored.charge(tenant_of(delivery.flow), delivery.task, 'ended', #attempt - #(delivery[eldest] or ''))
  if delivery[eldest] then redis.call('HDEL', delivery_key(id), eldest) end
  delivery.tries, delivery[field], delivery[eldest] = tries, attempt, nil
end

-- What a delivery counts in the figure 'stored'.
local function delivery_bytes(delivery)
  local bytes = DELIVERY_BYTES
  for field, value in pairs(delivery) do
    if field == 'record' or field:sub(1, 8) == 'attempt:' then bytes = bytes + #value end
  end
  return bytes
end

-- Takes a pending delivery from where it stands.
local function delivery_leaves(id, delivery)
  if redis.call('ZREM', P .. 'timers', 'posting:' .. id) == 1 then flow_release(CALLBACKS, delivery.flow)
  elseif redis.call('ZREM', P .. 'timers', 'due:' .. id) == 0 then flow_remove(CALLBACKS, delivery.flow, id) end
end

-- A delivery as if it had never been.
local function drop_delivery(id, delivery)
  if delivery.status == 'pending' then
    delivery_leaves(id, delivery)
    no_longer_tried(id, delivery)
  end
  failed_no_more(id, delivery)
  redis.call('DEL', delivery_key(id))
  stored.charge(tenant_of(delivery.flow), delivery.task, 'ended', -delivery_bytes(delivery))
  redis.call('LREM', P .. 'dlvs:' .. delivery.task, 1, id)
end

-- Of a task that tells of its progress for hours not every message stays: the eldest goes. Its other events are few.
local function forget_old_progress(task)
  local all = P .. 'dlvs:' .. task
  if redis.call('LLEN', all) <= MOST_DELIVERIES then return end
  for _, id in ipairs(redis.call('LRANGE', all, 0, 9)) do
    local delivery = map_of(redis.call('HGETALL', delivery_key(id)))
    if delivery.event == 'progress' and delivery.status ~= 'pending' then return drop_delivery(id, delivery) end
  end
end

-- Tells of an open task's progress, after it was written. What was not told yet is told anew, what was told in vain is not.
local function notify_progress(id)
  local flow = told_of(redis.call('HGET', open_key(id), 'callback'), 'progress')
  if not flow then return end
  local record = open_record(id)
  if record.telling then
    local last = map_of(redis.call('HGETALL', delivery_key(record.telling)))
    if last.status == 'pending' then
      if last.token == '0' then return write_event(record.telling, id, record, flow, 'progress') end
      local posting = redis.call('ZSCORE', P .. 'timers', 'posting:' .. record.telling)
      if not posting and not last.asked then drop_delivery(record.telling, last) end
    end
  end
  local due = math.max(now, (record.told or 0) + PROGRESS_GAP_MS)
  local delivery = deliver(id, record, flow, 'progress')
  redis.call('HSET', open_key(id), 'telling', delivery, 'told', timestamp(due))
  if due > now then delivery_due(delivery, due) else delivery_waits(delivery, flow) end
  forget_old_progress(id)
end

-- With a task go its deliveries.
local function drop_deliveries(task)
  for _, id in ipairs(redis.call('LRANGE', P .. 'dlvs:' .. task, 0, -1)) do
    drop_delivery(id, map_of(redis.call('HGETALL', delivery_key(id))))
  end
end
