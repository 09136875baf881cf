#!lua flags=allow-oom
-- uses shard flows
-- A worker tells that it lives and how many tasks it runs at once. ARGV: worker, lifetime of the news (ms), how many
-- deliveries one endpoint is sent at once, lane, slots, …
-- A worker that stops says 0 slots.
local worker, lifetime = ARGV[1], tonumber(ARGV[2])
local callbacks = P .. 'lane:' .. CALLBACKS
local caps = redis.call('HMGET', callbacks, 'cap', 'slots')
redis.call('HSET', callbacks, 'cap', ARGV[3])
for at = 4, #ARGV, 2 do
  local key = P .. 'slots:' .. ARGV[at]
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  local member = worker .. ' ' .. ARGV[at + 1]
  if tonumber(ARGV[at + 1]) > 0 then redis.call('ZADD', key, now + lifetime, member)
  else
    for _, known in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      if known:sub(1, #worker + 1) == worker .. ' ' then redis.call('ZREM', key, known) end
    end
  end
  local slots = 0
  for _, known in ipairs(redis.call('ZRANGE', key, 0, -1)) do slots = slots + tonumber(known:match(' (%d+)$')) end
  redis.call('HSET', P .. 'lane:' .. ARGV[at], 'slots', slots)
end
local now_caps = redis.call('HMGET', callbacks, 'cap', 'slots')
if now_caps[1] ~= caps[1] or now_caps[2] ~= caps[2] then caps_changed() end
return answer(true)
