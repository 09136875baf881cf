#!lua flags=no-writes
-- uses shard limits
-- One limit of some tenants. ARGV: name, tenant… Answers the number of each, false where it is the default.
local numbers = {}
for at = 2, #ARGV do numbers[#numbers + 1] = redis.call('HGET', LIMITS, limit_field(ARGV[at], ARGV[1])) end
return answer(numbers)
