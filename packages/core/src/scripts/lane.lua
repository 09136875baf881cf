#!lua flags=no-writes
-- uses shard limits shares groups flows
-- What a lane really does. ARGV: lane, operation.
-- Answers {waiting, running, slots of the living workers, last fetch (ms, 0 = never), items that could be claimed
-- now, how it drains (lib/draining.lua; '' = nothing known), recent durations of the operation (ms)…}. 'Could be claimed' counts those of a
-- hundred flows.
local lane, operation = ARGV[1], ARGV[2]
local known = redis.call('HMGET', P .. 'lane:' .. lane, 'waiting', 'fetched', 'drained')
local reply = {
  tonumber(known[1] or 0), lane_running(lane), lane_slots(lane), tonumber(known[2] or 0), lane_claimable(lane), known[3] or '',
}
for _, duration in ipairs(redis.call('LRANGE', P .. 'recent:' .. operation, 0, 63)) do
  reply[#reply + 1] = tonumber(duration)
end
return answer(reply)
