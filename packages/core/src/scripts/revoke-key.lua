#!lua flags=allow-oom
-- uses shard keys
-- Forgets an API key: from now on it is unknown. ARGV: id. Answers how many: 0 or 1.
redis.call('SREM', KEY_IDS, ARGV[1])
return answer(redis.call('DEL', api_key(ARGV[1])))
