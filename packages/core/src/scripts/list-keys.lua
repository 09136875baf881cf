#!lua flags=no-writes
-- uses shard keys
-- The ids of all API keys, and perhaps of some that are gone. No ARGV. Answers them.
return answer(redis.call('SMEMBERS', KEY_IDS))
