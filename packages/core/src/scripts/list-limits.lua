#!lua flags=no-writes
-- uses shard limits
-- All limits that were set. No ARGV. Answers {'TENANT NAME', number, …}.
return answer(redis.call('HGETALL', LIMITS))
