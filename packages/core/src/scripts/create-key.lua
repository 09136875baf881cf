#!lua
-- uses shard keys audit
-- Keeps a new API key. One that expires is known for 30 days more, so that whoever uses it is told. ARGV: id, digest, prefix,
-- tenant, scopes, lifetime (ms; 0: for ever), who makes it (audit.lua). Answers {created, expires or ''} (ms).
local KNOWN_AFTER_MS = 30 * 24 * 3600000
-- Of its scopes, characters.
local MOST_NOTED = 1000
local id, lifetime = ARGV[1], tonumber(ARGV[6])
redis.call('HSET', api_key(id),
  'digest', ARGV[2], 'prefix', ARGV[3], 'tenant', ARGV[4], 'scopes', ARGV[5], 'created', now_text)
redis.call('SADD', KEY_IDS, id)
audit(ARGV[4], 'key.create', ARGV[7], '', '', '', id, ARGV[5]:sub(1, MOST_NOTED))
local expires = ''
if lifetime > 0 then
  expires = string.format('%.0f', now + lifetime)
  redis.call('HSET', api_key(id), 'expires', expires)
  redis.call('PEXPIREAT', api_key(id), string.format('%.0f', now + lifetime + KNOWN_AFTER_MS))
end
return answer { now_text, expires }
