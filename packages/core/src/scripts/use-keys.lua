#!lua
-- uses shard keys
-- Notes API keys as used now, those that are there. ARGV: ids. Answers how many.
local used = 0
for _, id in ipairs(ARGV) do
  if redis.call('EXISTS', api_key(id)) == 1 then
    redis.call('HSET', api_key(id), 'used', now_text)
    used = used + 1
  end
end
return answer(used)
