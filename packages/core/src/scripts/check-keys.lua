#!lua flags=allow-oom
-- uses shard keys
-- Which API keys are no more, and notes those that were used lately as used now. ARGV, 2 an item: id, '1' if it was used, else ''.
-- Answers the ids of those that are gone.
local gone = {}
for at = 1, #ARGV, 2 do
  local id = ARGV[at]
  if redis.call('EXISTS', api_key(id)) == 0 then
    gone[#gone + 1] = id
  elseif ARGV[at + 1] == '1' then
    redis.call('HSET', api_key(id), 'used', now_text)
  end
end
return answer(gone)
