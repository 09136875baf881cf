#!lua flags=allow-oom
-- uses shard flows records packing outbox
-- Failed deliveries are tried anew, a few at a time and behind what else waits, at endpoints that can bear it.
-- ARGV: tenant, origin ('' = all), since, until (ms, of the events: from … to before), how many may wait at an endpoint.
-- Answers {how many are tried anew, how many are left}.
local tenant, origin, since, before, most = ARGV[1], ARGV[2], ARGV[3], '(' .. ARGV[4], tonumber(ARGV[5])
local BEHIND_MS = 3600000

-- What its task has taken with it is only not swept yet.
local function is_over(task)
  local slim = done_record_slim(task)
  return slim and expired(task, map_of(slim))
end

local function recover(flow)
  local failed = P .. 'failed:' .. flow
  local waiting = redis.call('ZCARD', flow_key(CALLBACKS, flow))
  -- One that is not well is probed by one.
  local room = math.max(0, (redis.call('HEXISTS', endpoint_key(flow), 'cap') == 1 and 1 or most) - waiting)
  local ids = room > 0 and redis.call('ZRANGE', failed, since, before, 'BYSCORE', 'LIMIT', 0, room) or {}
  local tried = 0
  for _, id in ipairs(ids) do
    local delivery = map_of(redis.call('HGETALL', delivery_key(id)))
    if not is_over(delivery.task) then
      tried_anew(id, delivery)
      delivery_waits(id, flow, BEHIND_MS)
      tried = tried + 1
    end
  end
  return tried, redis.call('ZCOUNT', failed, since, before)
end

local flows = origin ~= '' and { tenant .. ' ' .. origin } or redis.call('SMEMBERS', P .. 'failing:' .. tenant)
local tried, left = 0, 0
for _, flow in ipairs(flows) do
  local more, rest = recover(flow)
  tried, left = tried + more, left + rest
end
return answer { tried, left }
