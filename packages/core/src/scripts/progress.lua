#!lua flags=allow-oom
-- uses shard limits shares groups flows records fencing packing outbox
-- A handler tells how far it is. ARGV: id, token, percent. Never down within an attempt; what changes nothing shown
-- is not written. Answers 'ok' | 'canceling' | 'stale'. Upholds rule 5 (fencing).
local id, token, percent = ARGV[1], ARGV[2], tonumber(ARGV[3])
local status = held_status(id, token)
if status ~= 'running' then return answer(status or 'stale') end
if percent > tonumber(redis.call('HGET', open_key(id), 'progress')) then
  redis.call('HSET', open_key(id), 'progress', percent, 'updated', now_text)
  local version = redis.call('HINCRBY', open_key(id), 'version', 1)
  notify_progress(id)
  announce(id, version)
end
return answer('ok')
