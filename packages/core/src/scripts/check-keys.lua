#!lua flags=no-writes
-- uses shard keys
-- Which API keys are no more. ARGV: ids. Answers the ids of those that are gone.
local gone = {}
for _, id in ipairs(ARGV) do
  if redis.call('EXISTS', api_key(id)) == 0 then gone[#gone + 1] = id end
end
return answer(gone)
