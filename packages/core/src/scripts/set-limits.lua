#!lua flags=allow-oom
-- uses shard limits audit
-- What an operator allows a tenant: hash 'limits', 'TENANT NAME' -> number. ARGV: tenant, for the trail (audit.lua) act, who does it and
-- words; name, number ('' = the default again), name, …
-- Answers 1 if the tenant has ever had a task here, else 0.
local tenant = ARGV[1]
for at = 5, #ARGV, 2 do
  local field = limit_field(tenant, ARGV[at])
  if ARGV[at + 1] == '' then redis.call('HDEL', LIMITS, field) else redis.call('HSET', LIMITS, field, ARGV[at + 1]) end
end
audit(tenant, ARGV[2], ARGV[3], '', '', '', '', ARGV[4])
return answer(redis.call('EXISTS', P .. 'operations:' .. tenant))
