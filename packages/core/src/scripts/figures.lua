#!lua flags=no-writes
-- uses shard limits shares groups flows
-- The figures of a shard, for who watches over it. ARGV: lane…
-- Answers {when somebody last ticked (ms, 0 = never), {counter, its value, …}, and for each lane waiting, running, slots of
-- the living workers}.
local reply = { tonumber(redis.call('HGET', P .. 'upkeep', 'ticked') or 0), redis.call('HGETALL', P .. 'figures') }
for _, lane in ipairs(ARGV) do
  reply[#reply + 1] = tonumber(redis.call('HGET', P .. 'lane:' .. lane, 'waiting') or 0)
  reply[#reply + 1] = lane_running(lane)
  reply[#reply + 1] = lane_slots(lane)
end
return answer(reply)
