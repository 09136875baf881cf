#!lua flags=allow-oom
-- uses shard limits shares groups flows draining records fencing waiting packing outbox ending canceling
-- Takes for each of a batch the task whose turn it is in a lane: to run it or, if it is canceling, to undo it.
-- ARGV: lease (ms), retention (ms); 2 a claim: lane, the operations that the claimer knows (with a space before and after
-- each; '' = any).
-- Answers an outcome for each: {'claimed', id, token, record}, the record before, then what changed, so that of a field
-- that comes twice the later counts | {'unknown', operation}: the task whose turn it was is left, as it was, to a worker that
-- knows its operation | {'none'}.
-- Upholds rule 3 (late binding), rule 5 (each claim a new token, and a lease that its holder must renew) and rule 6: a task
-- whose time is over does not start, whether or not a tick has come by.
local lease, retention = tonumber(ARGV[1]), tonumber(ARGV[2])
local FIRST_LANE, STRIDE = 3, 2
-- A task that is left to another waits as long again as it has waited by now, within these (ms).
local LEFT_LEAST, LEFT_MOST = 1000, 5000
-- Tasks that must not start any more and are come by in one call, so that no call holds Redis for long.
local overdue_left = 200

-- How many tasks have left those that wait in each lane, for the first time: one that comes back, to be tried again or undone, is
-- no room that lasts.
local left = {}

-- Why a pending task must not start any more.
local function overdue(record)
  if passed_deadline(record) then return 'deadline' end
  if record.start_by and not record.started and now >= tonumber(record.start_by) then return 'start_timeout' end
  return nil
end

-- Makes the task the claimer's own. Returns its token and fields; nil if it must not start, or its record was taken away by
-- other hands than ours.
local function bind(id, lane, flow)
  local key = open_key(id)
  local flat = redis.call('HGETALL', key)
  local record = map_of(flat)
  local token = record.token and tostring(record.token + 1)
  local changes
  if record.status == 'canceling' then
    changes = { 'token', token, 'flow', flow, 'began', now_text }
  elseif record.status == 'pending' then
    if not record.started then left[lane] = left[lane] + 1 end
    local reason = overdue(record)
    if reason then
      cancel_task(id, record, reason, retention)
      return nil
    end
    local attempt, version = tostring(record.attempt + 1), tostring(record.version + 1)
    changes = {
      'status', 'running', 'token', token, 'attempt', attempt, 'flow', flow, 'version', version, 'updated', now_text,
      'began', now_text, 'started', record.started or now_text, 'attempt:' .. token, attempt .. ' ' .. now_text,
    }
    if tonumber(token) > 10 then redis.call('HDEL', key, 'attempt:' .. token - 10) end
    count('attempts ' .. index_move(id, record, 'running'), 1)
    if record.start_by and not record.started then redis.call('ZREM', P .. 'timers', 'start:' .. id) end
    if record.callback and not record.started then notify(id, merged(record, map_of(changes)), 'started') end
    announce(id, version)
  else
    return nil
  end
  redis.call('HSET', key, unpack(changes))
  record.began = now
  lease_for(id, record, lease)
  for _, part in ipairs(changes) do flat[#flat + 1] = part end
  return token, flat
end

-- The operation of a task that this claimer can neither run nor undo; nil if it can, or the record is gone.
local function foreign_operation(id, operations)
  local fixed = operations ~= '' and redis.call('HGET', open_key(id), 'fixed')
  if not fixed then return nil end
  local _, operation = fixed_of({ fixed = fixed })
  return not operations:find(' ' .. operation .. ' ', 1, true) and operation or nil
end

-- Nothing of its record changes: nobody has begun it.
local function leave_to_others(id)
  local waited = now - tonumber(redis.call('HGET', open_key(id), 'updated'))
  redis.call('ZADD', P .. 'timers', timestamp(now + math.max(LEFT_LEAST, math.min(waited, LEFT_MOST))), 'retry:' .. id)
end

local function claim(lane, operations)
  while overdue_left > 0 do
    local id, flow = flow_take(lane)
    if not id then
      -- Its job is spent, though others wait.
      if (jobs_wanted(lane) or 0) > 0 then set_jobs_wanted(lane, 0) end
      return { 'none' }
    end
    local operation = foreign_operation(id, operations)
    if operation then
      leave_to_others(id)
      flow_release(lane, flow)
      return { 'unknown', operation }
    end
    local token, found = bind(id, lane, flow)
    if token then return { 'claimed', id, token, joined(found) } end
    flow_release(lane, flow)
    overdue_left = overdue_left - 1
  end
  -- The rest is for another call.
  want(lane, 1)
  return { 'none' }
end

local outcomes = {}
for at = FIRST_LANE, #ARGV, STRIDE do
  local lane = ARGV[at]
  if not left[lane] then
    left[lane] = 0
    redis.call('HSET', P .. 'lane:' .. lane, 'fetched', now_text)
  end
  outcomes[#outcomes + 1] = claim(lane, ARGV[at + 1])
end
for lane, number in pairs(left) do note_drain(lane, number) end
turns_noted()
return answer(outcomes)
