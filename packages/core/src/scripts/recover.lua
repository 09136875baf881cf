#!lua
-- uses shard limits shares groups flows records packing outbox
-- Goes on with a recovery: failed deliveries are tried anew, each once, the oldest first, a few at a time and behind what else
-- waits, at endpoints that can bear it. What a recovery has done is the hash 'recovery:ID' {until (ms: it takes no event that
-- came after it began), tried, and for each flow 'at id' of the last one that it took}, so that whoever goes on with it takes none
-- twice, though it may have failed again.
-- ARGV: tenant, recovery, origin ('' = all), since, until (ms, of the events: from … to before), how many may wait at an
-- endpoint.
-- Answers {how many are tried anew, from its beginning, how many are left}.
local tenant, recovery, origin, since, most = ARGV[1], P .. 'recovery:' .. ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[6])
local BEHIND_MS = 3600000
-- Longer than a worker may be missed.
local KEPT_MS = 7 * 24 * 3600000

redis.call('HSETNX', recovery, 'until', timestamp(math.min(tonumber(ARGV[5]), now + 1)))
redis.call('PEXPIRE', recovery, KEPT_MS)
local before = '(' .. redis.call('HGET', recovery, 'until')

-- The failed of a flow that are yet to be taken: from which time on, how many of that time are not, and how many are.
local function untaken(flow, failed)
  local at, last = (redis.call('HGET', recovery, flow) or ''):match('^(%S+) (%S+)$')
  local taken = 0
  if at then
    -- Those of one time stand by their ids.
    for _, id in ipairs(redis.call('ZRANGE', failed, at, at, 'BYSCORE')) do
      if id <= last then taken = taken + 1 end
    end
  end
  local from = at or since
  return from, taken, redis.call('ZCOUNT', failed, from, before) - taken
end

-- What its task takes with it is only not swept yet.
local function is_over(task)
  local slim = done_record_slim(task)
  return slim and expired(task, map_of(slim))
end

local function recover(flow)
  local failed = P .. 'failed:' .. flow
  local waiting = redis.call('ZCARD', flow_key(CALLBACKS, flow))
  -- One that is not well is probed by one.
  local room = math.max(0, (redis.call('HEXISTS', endpoint_key(flow), 'cap') == 1 and 1 or most) - waiting)
  local from, taken, left = untaken(flow, failed)
  local ids = room > 0 and redis.call('ZRANGE', failed, from, before, 'BYSCORE', 'LIMIT', taken, room) or {}
  for _, id in ipairs(ids) do
    local delivery = map_of(redis.call('HGETALL', delivery_key(id)))
    redis.call('HSET', recovery, flow, delivery.at .. ' ' .. id)
    if not is_over(delivery.task) then
      tried_anew(id, delivery)
      delivery_waits(id, flow, BEHIND_MS)
      redis.call('HINCRBY', recovery, 'tried', 1)
    end
  end
  return left - #ids
end

local flows = origin ~= '' and { tenant .. ' ' .. origin } or redis.call('SMEMBERS', P .. 'failing:' .. tenant)
local left = 0
for _, flow in ipairs(flows) do left = left + recover(flow) end
return answer { tonumber(redis.call('HGET', recovery, 'tried') or 0), left }
