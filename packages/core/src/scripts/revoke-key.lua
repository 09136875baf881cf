#!lua flags=allow-oom
-- uses shard keys audit
-- Forgets an API key: from now on it is unknown. ARGV: id, who revokes it (audit.lua). Answers how many: 0 or 1.
local tenant = redis.call('HGET', api_key(ARGV[1]), 'tenant')
if tenant then audit(tenant, 'key.revoke', ARGV[2], '', '', '', ARGV[1]) end
redis.call('SREM', KEY_IDS, ARGV[1])
return answer(redis.call('DEL', api_key(ARGV[1])))
