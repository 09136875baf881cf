#!lua flags=no-writes
-- uses shard limits shares groups flows
-- A tenant's endpoints and how they fare, the last used first, at most 1,000. ARGV: tenant.
-- Answers {flow, waiting, running, its fields}…
local MOST = 1000
local found = {}
for _, flow in ipairs(redis.call('ZRANGE', P .. 'endpoints:' .. ARGV[1], 0, MOST - 1, 'REV')) do
  local waiting = redis.call('ZCARD', flow_key(CALLBACKS, flow))
  local running = tonumber(redis.call('HGET', P .. 'running:' .. CALLBACKS, flow) or 0)
  found[#found + 1] = { flow, waiting, running, redis.call('HGETALL', endpoint_key(flow)) }
end
return answer(found)
