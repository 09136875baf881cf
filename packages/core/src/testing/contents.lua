#!lua flags=no-writes
-- uses shard records packing
-- All that a shard keeps, but for BullMQ's own and trails. Returns {now, key without prefix, its content flat, …}; records as the text
-- that reads answer, the ended ones with how long they are packed.
local reply = { now }
for _, key in ipairs(redis.call('KEYS', P .. '*')) do
  local name = key:sub(#P + 1)
  local kind, id = name:match('^(%a+):?(.*)$')
  local content
  if kind == 'bull' then content = nil
  elseif kind == 'open' then content = { joined(redis.call('HGETALL', key)) }
  elseif kind == 'done' then content = { joined(done_record(id)), redis.call('STRLEN', key) }
  else
    local type = redis.call('TYPE', key).ok
    if type == 'hash' then content = redis.call('HGETALL', key)
    elseif type == 'zset' then content = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    elseif type == 'list' then content = redis.call('LRANGE', key, 0, -1)
    elseif type == 'stream' then content = nil
    elseif type == 'set' then content = redis.call('SMEMBERS', key)
    else content = { redis.call('GET', key) } end
  end
  if content then
    reply[#reply + 1] = name
    reply[#reply + 1] = content
  end
end
return reply
