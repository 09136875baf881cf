#!lua flags=allow-oom
-- uses shard limits shares groups flows
-- A worker tells that it lives and how many tasks it runs at once. ARGV: worker, lifetime of the news (ms), how many
-- deliveries one endpoint is sent at once, how many tasks of a tenant run at once in a lane unless its own limit says another
-- number (0 = as many as there are slots), lane, slots, …
-- What is to be no list is none from then on, until Redis is started anew.
-- A worker that stops says 0 slots, and lets go of what is held, lest it was the last one that knows of caps.
local worker, lifetime = ARGV[1], tonumber(ARGV[2])
local callbacks = P .. 'lane:' .. CALLBACKS

-- Redis keeps a short hash as a list, and there looks for a field of a hundred tenants twice as long as in the table as which it keeps
-- one that has had a long field since it was read from disk.
local AS_TABLE = ('~'):rep(65)
for _, hash in ipairs({ P .. 'stored', LIMITS }) do
  if redis.call('EXISTS', hash) == 1 then
    redis.call('HSET', hash, AS_TABLE, '')
    redis.call('HDEL', hash, AS_TABLE)
  end
end

local caps = redis.call('HMGET', callbacks, 'cap', 'slots')
redis.call('HSET', callbacks, 'cap', ARGV[3])
for at = 5, #ARGV, 2 do
  local lane = ARGV[at]
  local key = P .. 'slots:' .. lane
  if redis.call('EXISTS', P .. 'turns:' .. lane) == 1 then turns_kept_as_tree(lane) end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  local member = worker .. ' ' .. ARGV[at + 1]
  if tonumber(ARGV[at + 1]) > 0 then redis.call('ZADD', key, now + lifetime, member)
  else
    for _, known in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      if known:sub(1, #worker + 1) == worker .. ' ' then redis.call('ZREM', key, known) end
    end
    held_let_go(lane)
  end
  local slots = 0
  for _, known in ipairs(redis.call('ZRANGE', key, 0, -1)) do slots = slots + tonumber(known:match(' (%d+)$')) end
  redis.call('HSET', P .. 'lane:' .. lane, 'slots', slots, 'cap', ARGV[lane == CALLBACKS and 3 or 4])
end
local now_caps = redis.call('HMGET', callbacks, 'cap', 'slots')
if now_caps[1] ~= caps[1] or now_caps[2] ~= caps[2] then caps_changed() end
return answer(true)
