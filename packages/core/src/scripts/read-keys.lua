#!lua flags=no-writes
-- uses shard keys
-- Reads API keys. ARGV: ids. Answers for each its fields and values, none if there is no such key.
local found = {}
for at, id in ipairs(ARGV) do found[at] = redis.call('HGETALL', api_key(id)) end
return answer(found)
