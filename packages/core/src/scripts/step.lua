#!lua flags=allow-oom
-- uses shard records fencing
-- A step begins, finishes or fails. ARGV: id, token, step, state ('begun' | 'finished' | 'failed'), outcome (JSON, of a
-- finished step). Kept as 'step:NAME' = a letter for the state, then the outcome.
-- Returns {now, 'ok' | 'stale'}. Upholds rule 5 (fencing); a step's outcome is durable before the next begins.
local LETTERS = { begun = 'b', finished = 'f', failed = 'x' }
local id, token, step, state, outcome = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local key = open_key(id)
if not holds(id, token) then return { now, 'stale' } end
local before = redis.call('HGET', key, 'step:' .. step)
-- A worker that did not get the reply sends the same again: it counts once.
if before == LETTERS[state] .. outcome then return { now, 'ok' } end
redis.call('HSET', key, 'step:' .. step, LETTERS[state] .. outcome, 'updated', now_text)
redis.call('HINCRBY', key, 'version', 1)
if state == 'finished' then
  redis.call('HINCRBY', key, 'done', 1)
  local held = redis.call('HMGET', key, 'progress', 'done', 'fixed')
  local share = share_of(held[2], held[3]:match('%S+$'))
  if share > tonumber(held[1]) then redis.call('HSET', key, 'progress', share) end
end
return { now, 'ok' }
