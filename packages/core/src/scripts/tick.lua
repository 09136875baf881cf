#!lua flags=allow-oom
-- uses shard flows records fencing waiting packing ending tombstones
-- Does what is due, at most `limit` things: retries go back to their flows, ended records expire into tombstones, tasks
-- whose lease ran out have lost their worker. Once, such a task goes back to its flow; twice, to the suspects; after that it
-- ends. After a time in which nobody ticked, since Redis or all workers were away, leases get a whole term more.
-- For a lane with free slots in which no worker has fetched for `quiet` ms one job is wanted even if nothing waits: fetching
-- it shows that a worker is there. Any number of workers may run it.
-- ARGV: limit, tombstone lifetime (ms), quiet (ms), lease (ms), losses that end a task, its error then (JSON), retention
-- (ms), lane…
-- Returns {now, things done, lane, jobs wanted, …}. Upholds rule 6 (time is Redis's).
local limit, tombstone_ms, quiet, lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local max_losses, lost_error, retention = tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7])
local FIRST_LANE = 8
local AWAY_MS = 2000
local timers = P .. 'timers'
local done, wanted = 0, {}

local function want(lane, jobs) wanted[lane] = (wanted[lane] or 0) + jobs end

local upkeep = redis.call('HMGET', P .. 'upkeep', 'ticked', 'leases_hold_until')
local leases_hold_until = tonumber(upkeep[2] or 0)
if now - tonumber(upkeep[1] or 0) > AWAY_MS then
  leases_hold_until = now + lease
  redis.call('HSET', P .. 'upkeep', 'leases_hold_until', string.format('%.0f', leases_hold_until))
end
redis.call('HSET', P .. 'upkeep', 'ticked', now_text)

local function lose(id)
  if now < leases_hold_until then
    redis.call('ZADD', timers, string.format('%.0f', leases_hold_until), 'lease:' .. id)
    return
  end
  local record = map_of(redis.call('HGETALL', open_key(id)))
  if record.status ~= 'running' then return end
  local _, _, lane = fixed_of(record)
  local losses = redis.call('HINCRBY', open_key(id), 'losses', 1)
  if losses < max_losses then
    local flow = losses > 1 and SUSPECTS or fixed_of(record)
    want(lane, requeue(id, record, flow, false, nil, lost_error))
  else
    want(lane, end_task(id, record, {
      status = 'failed', reason = 'worker_lost', result = '', resource = '', error = lost_error, retention = retention,
    }))
  end
end

local function retry(id)
  local record = map_of(redis.call('HGETALL', open_key(id)))
  if record.status ~= 'pending' then return end
  local _, _, lane, priority, order = fixed_of(record)
  enqueue(id, lane, record.flow, order, priority)
  want(lane, 1)
end

-- Returns whether the minute's list is empty now.
local function expire(minute)
  local key = P .. 'expire:' .. minute
  local ids = redis.call('LPOP', key, limit - done) or {}
  for _, id in ipairs(ids) do
    local flat = done_record_slim(id)
    if flat then bury(id, map_of(flat), tombstone_ms) end
  end
  done = done + #ids
  return redis.call('EXISTS', key) == 0
end

for _, timer in ipairs(redis.call('ZRANGE', timers, '-inf', now, 'BYSCORE', 'LIMIT', 0, limit)) do
  if done >= limit then break end
  local kind, subject = timer:match('^(%a+):(.*)$')
  if kind == 'retry' or kind == 'lease' then
    redis.call('ZREM', timers, timer)
    if kind == 'retry' then retry(subject) else lose(subject) end
    done = done + 1
  elseif expire(subject) then
    redis.call('ZREM', timers, timer)
  end
end

for i = FIRST_LANE, #ARGV do
  local lane = P .. 'lane:' .. ARGV[i]
  local seen = redis.call('HMGET', lane, 'fetched', 'probed', 'slots')
  local busy = lane_running(ARGV[i]) >= tonumber(seen[3] or math.huge)
  if not busy and now - math.max(tonumber(seen[1] or 0), tonumber(seen[2] or 0)) >= quiet then
    redis.call('HSET', lane, 'probed', now)
    want(ARGV[i], 1)
  end
end

local reply = { now, done }
for lane, jobs in pairs(wanted) do
  reply[#reply + 1] = lane
  reply[#reply + 1] = jobs
end
return reply
