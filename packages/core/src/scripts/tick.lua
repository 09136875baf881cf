#!lua flags=allow-oom
-- uses shard limits shares groups flows records fencing waiting packing outbox endpoints ending canceling tombstones burying sweeping
-- Does what is due, at most `limit` things and for `pass` ms, so that no pass holds up others for long: retries go back to
-- their flows, tasks that passed a deadline are canceled, ended records expire into tombstones, before their time if the shard
-- holds more than it may, tasks whose lease ran out have taken too long or lost their worker. Of the latter one goes back to its flow once; a second time, to the suspects;
-- after that it fails. After a time in which nobody ticked, since Redis or all workers were away, leases get a whole term
-- more. Deliveries become due, those whose worker was lost go back to their flows, and endpoints are probed.
-- Lanes are tended: flows that were held at their cap and have room now have turns again.
-- For a lane with free slots in which no worker has fetched for `quiet` ms one job is wanted even if nothing waits: fetching
-- it shows that a worker is there.
-- Any number of workers may run it: a pass that comes sooner than `apart` ms after the last one does nothing.
-- What became due first and what became due last are done in turn: however much is overdue, it holds up nothing that is due just
-- now, such as the lease of a lost worker. Records expire in the time that this leaves.
-- ARGV: limit, tombstone lifetime (ms), quiet (ms), lease (ms), losses that end a task, retention (ms), apart (ms),
-- pass (ms), most bytes that may be stored (0 = any number), lane…
-- Answers {how many things were done, 1 if more may be due, how many records went before their time}. Upholds rule 6 (time is Redis's).
local limit, tombstone_ms, quiet, lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local max_losses, retention, apart = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local pass_us = 1000 * tonumber(ARGV[8])
local max_stored = tonumber(ARGV[9])
local FIRST_LANE = 10
-- Ended records looked at between two looks at the clock.
local AT_ONCE = 10
local AWAY_MS = 2000
local POSTER_LOST_MS = 60000
local timers = P .. 'timers'
local done = 0

local upkeep = redis.call('HMGET', P .. 'upkeep', 'ticked', 'leases_hold_until')
local since = now - tonumber(upkeep[1] or 0)
-- A clock that was set back is no reason to wait for it.
if since >= 0 and since < apart then return answer { 0, 0, 0 } end
local leases_hold_until = tonumber(upkeep[2] or 0)
-- So long they hold only if the clock was set back since that was written.
if since > AWAY_MS or leases_hold_until > now + lease then
  leases_hold_until = now + lease
  redis.call('HSET', P .. 'upkeep', 'leases_hold_until', string.format('%.0f', leases_hold_until))
end
redis.call('HSET', P .. 'upkeep', 'ticked', now_text)

-- From Redis 7.2 on TIME stands still in a script; from 7.4 on (Valkey: 8.0) there is a clock of processor time instead.
local system = rawget(_G, 'os')
local began = system and system.clock()

-- For how long the pass has gone on, in µs.
local function gone_on()
  if system then return (system.clock() - began) * 1000000 end
  local clock = redis.call('TIME')
  return clock[1] * 1000000 + clock[2] - now_us
end

local function is_over() return done >= limit or gone_on() >= pass_us end

-- The lease of a task ran out: its attempt took too long, or its worker is lost.
local function lose(id)
  local record = open_record(id)
  if record.status ~= 'running' and record.status ~= 'canceling' then
    redis.call('ZREM', timers, 'lease:' .. id)
    return
  end
  if now < leases_hold_until then
    redis.call('ZADD', timers, timestamp(leases_hold_until), 'lease:' .. id)
    return
  end
  local tenant, operation, lane = fixed_of(record)
  local _, attempts, run = limits_of(record)
  -- Who held it takes no other.
  want(lane, 1)
  if record.status == 'running' and now >= record.began + run then
    if tonumber(record.attempt) < attempts then
      requeue(id, record, { flow = tenant, counts = true, error = 'run_timeout' })
    else
      abandon(id, record, 'failed', 'run_timeout', tenant, retention)
    end
    return
  end
  if record.status == 'canceling' and not undoable(record) then return conclude(id, record, retention) end
  count('losses ' .. operation, 1)
  local losses = redis.call('HINCRBY', open_key(id), 'losses', 1)
  if losses < max_losses then
    local flow = losses > 1 and SUSPECTS or record.flow
    requeue(id, record, { flow = flow, counts = false, error = 'worker_lost' })
  elseif record.status == 'running' then
    abandon(id, record, 'failed', 'worker_lost', SUSPECTS, retention)
  else
    end_task(id, record, { status = 'failed', reason = 'revert_failed', error = '' }, retention)
  end
end

local function retry(id)
  -- A deadline that was due as well may just have put it into its flow.
  if redis.call('ZREM', timers, 'retry:' .. id) == 0 then return end
  local record = open_record(id)
  -- Else other hands than ours took it away.
  if record.fixed then wait_in(id, record, record.flow) end
end

-- The states in which a limit still means something, and what a task is canceled for that has passed it.
local LIMITS = {
  start = { reason = 'start_timeout', pending = true },
  deadline = { reason = 'deadline', pending = true, running = true, awaiting_confirmation = true },
  confirm = { reason = 'unconfirmed', awaiting_confirmation = true },
}
local function pass(id, kind)
  redis.call('ZREM', timers, kind .. ':' .. id)
  local record = open_record(id)
  if not LIMITS[kind][record.status] then return end
  if kind == 'start' and record.started then return end
  cancel_task(id, record, LIMITS[kind].reason, retention)
end

local function delivery_of(id) return map_of(redis.call('HGETALL', delivery_key(id))) end

local function due(id)
  redis.call('ZREM', timers, 'due:' .. id)
  local delivery = delivery_of(id)
  if not delivery.flow then return end
  if obsolete(id, delivery) then drop_delivery(id, delivery) else delivery_waits(id, delivery.flow) end
end

-- Nobody knows whether the receiver has it: it is sent again, a message that loses worker after worker less and less often.
local function lose_poster(id)
  if now < leases_hold_until then
    redis.call('ZADD', timers, timestamp(leases_hold_until), 'posting:' .. id)
    return
  end
  redis.call('ZREM', timers, 'posting:' .. id)
  local delivery = delivery_of(id)
  if not delivery.flow then return end
  local losses = redis.call('HINCRBY', delivery_key(id), 'losses', 1)
  flow_release(CALLBACKS, delivery.flow)
  -- The job that its worker had is lost as well.
  want(CALLBACKS, 1)
  if losses == 1 then delivery_waits(id, delivery.flow)
  else delivery_due(id, now + math.min(losses * POSTER_LOST_MS, 60 * POSTER_LOST_MS)) end
end

-- What is done with a timer that is due; all others are limits of tasks.
local ACTS = {
  retry = retry, lease = lose, due = due, posting = lose_poster, probe = endpoint_probe,
}

-- Timers that are due, at most as many as a pass may do: the first, the last, the second, the last but one, …
local function due_timers()
  local first = redis.call('ZRANGE', timers, '-inf', now, 'BYSCORE', 'LIMIT', 0, limit)
  if #first < limit then return first end
  local last = redis.call('ZRANGE', timers, now, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, limit)
  local turns, known = {}, {}
  for at = 1, limit do
    for _, timer in ipairs({ first[at], last[at] }) do
      if not known[timer] then turns[#turns + 1] = timer end
      known[timer] = true
    end
  end
  return turns
end

local more = 0
for _, timer in ipairs(due_timers()) do
  if is_over() then
    more = 1
    break
  end
  local kind, subject = timer:match('^(%a+):(.*)$')
  if ACTS[kind] then ACTS[kind](subject) else pass(subject, kind) end
  done = done + 1
end

local minute = minute_over()
while minute do
  if is_over() then
    more = 1
    break
  end
  done = done + expire(minute, math.min(AT_ONCE, limit - done), retention, tombstone_ms)
  minute = minute_over()
end

local gone = 0
while max_stored > 0 and figure('stored') > max_stored do
  if is_over() then
    more = 1
    break
  end
  local looked, went = make_room(max_stored, math.min(AT_ONCE, limit - done), tombstone_ms)
  if looked == 0 then break end
  done, gone = done + looked, gone + went
end

for i = FIRST_LANE, #ARGV do
  turns_tended(ARGV[i])
  local lane = P .. 'lane:' .. ARGV[i]
  local seen = redis.call('HMGET', lane, 'fetched', 'probed', 'slots')
  local busy = lane_running(ARGV[i]) >= tonumber(seen[3] or math.huge)
  local heard = math.max(tonumber(seen[1] or 0), tonumber(seen[2] or 0))
  if not busy and (now - heard >= quiet or heard > now) then
    redis.call('HSET', lane, 'probed', now)
    want(ARGV[i], 1)
  end
end

return answer { done, done >= limit and 1 or more, gone }
