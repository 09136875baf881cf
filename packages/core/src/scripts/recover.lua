#!lua flags=allow-oom
-- uses shard flows records packing outbox
-- Failed deliveries are tried anew, a few at a time and behind what else waits, at endpoints that can bear it.
-- ARGV: tenant, origin ('' = all), since, until (ms, of the events: from … to before), how many may wait at an endpoint.
-- Answers {how many are tried anew, how many are left}.
local tenant, origin, since, before, most = ARGV[1], ARGV[2], ARGV[3], '(' .. ARGV[4], tonumber(ARGV[5])
local BEHIND_MS = 3600000

local function recover(flow)
  local failed = P .. 'failed:' .. flow
  local waiting = redis.call('ZCARD', flow_key(CALLBACKS, flow))
  -- One that is not well is probed by one.
  local room = math.max(0, (redis.call('HEXISTS', endpoint_key(flow), 'cap') == 1 and 1 or most) - waiting)
  local ids = room > 0 and redis.call('ZRANGE', failed, since, before, 'BYSCORE', 'LIMIT', 0, room) or {}
  for _, id in ipairs(ids) do
    local delivery = map_of(redis.call('HGETALL', delivery_key(id)))
    tried_anew(id, delivery)
    delivery_waits(id, flow, BEHIND_MS)
  end
  return #ids, redis.call('ZCOUNT', failed, since, before)
end

local flows = origin ~= '' and { tenant .. ' ' .. origin } or redis.call('SMEMBERS', P .. 'failing:' .. tenant)
local tried, left = 0, 0
for _, flow in ipairs(flows) do
  local more, rest = recover(flow)
  tried, left = tried + more, left + rest
end
return answer { tried, left }
