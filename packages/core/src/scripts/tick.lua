#!lua flags=allow-oom
-- uses shard flows records waiting packing tombstones
-- Does what is due, at most `limit` things: retries go back to their flows, ended records expire into tombstones. For a
-- lane with free slots in which no worker has fetched for `quiet` ms one job is wanted even if nothing waits: fetching it
-- shows that a worker is there. Any number of workers may run it.
-- ARGV: limit, tombstone lifetime (ms), quiet (ms), lane…
-- Returns {now, things done, lane, jobs wanted, …}. Upholds rule 6 (time is Redis's).
local limit, tombstone_ms, quiet = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local timers = P .. 'timers'
local done, wanted = 0, {}

local function retry(id)
  local record = map_of(redis.call('HGETALL', open_key(id)))
  if record.status ~= 'pending' then return end
  local _, _, lane, priority, order = fixed_of(record)
  enqueue(id, lane, record.flow, order, priority)
  wanted[lane] = (wanted[lane] or 0) + 1
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
  if kind == 'retry' then
    redis.call('ZREM', timers, timer)
    retry(subject)
    done = done + 1
  elseif expire(subject) then
    redis.call('ZREM', timers, timer)
  end
end

for i = 4, #ARGV do
  local lane = P .. 'lane:' .. ARGV[i]
  local seen = redis.call('HMGET', lane, 'fetched', 'probed', 'slots')
  local busy = lane_running(ARGV[i]) >= tonumber(seen[3] or math.huge)
  if not busy and now - math.max(tonumber(seen[1] or 0), tonumber(seen[2] or 0)) >= quiet then
    redis.call('HSET', lane, 'probed', now)
    wanted[ARGV[i]] = (wanted[ARGV[i]] or 0) + 1
  end
end

local reply = { now, done }
for lane, jobs in pairs(wanted) do
  reply[#reply + 1] = lane
  reply[#reply + 1] = jobs
end
return reply
