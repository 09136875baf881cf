#!lua flags=allow-oom
-- uses shard limits shares groups flows records fencing packing outbox
-- A step begins, finishes or fails, or its undo begins or is done. ARGV: id, token, step, state, outcome (JSON, of a
-- finished step). Kept as 'step:NAME' = a letter for the state, then the outcome.
-- Answers 'ok' | 'canceling' | 'stale': none begins while the task is canceling, but what finishes is known to be undone.
-- Upholds rule 5 (fencing); a step's outcome is durable before the next begins.
local LETTERS = {
  begun = 'b', begun_undoable = 'd', finished = 'f', undoable = 'u', failed = 'x', reverting = 'r', reverted = 'v',
}
local id, token, step, state, outcome = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local key, field = open_key(id), 'step:' .. step
local status = held_status(id, token)
if not status then return answer('stale') end
if state:sub(1, 5) == 'begun' and status == 'canceling' then return answer('canceling') end

local before = redis.call('HGET', key, field) or ''
local letter = LETTERS[state]
-- A run that was cut off stays in doubt until one finishes, or it is undone: that a later one failed says nothing of it.
if state == 'begun_undoable' and before:match('^[pqy]') then letter = 'q' end
if state == 'failed' and before:match('^[qy]') then letter = 'y' end
-- An undo keeps the outcome: a later pass needs those of all steps that were finished.
local undoing = state == 'reverting' or state == 'reverted'
local kept = undoing and before:sub(2) or outcome
-- A worker that did not get the reply sends the same again: it counts once.
if before ~= letter .. kept then
  redis.call('HSET', key, field, letter .. kept, 'updated', now_text)
  -- What gets on is no poison.
  if state == 'finished' or state == 'undoable' or state == 'reverted' then redis.call('HSET', key, 'losses', '0') end
  local progressed = false
  if state == 'finished' or state == 'undoable' then
    redis.call('HINCRBY', key, 'done', 1)
    local held = redis.call('HMGET', key, 'progress', 'done', 'fixed')
    local share = share_of(held[2], (limits_of({ fixed = held[3] })))
    progressed = share > tonumber(held[1])
    if progressed then redis.call('HSET', key, 'progress', share) end
  elseif state == 'reverted' then
    redis.call('HSET', key, 'undos', '0')
  end
  local version = redis.call('HINCRBY', key, 'version', 1)
  if progressed then notify_progress(id) end
  announce(id, version)
end
return answer(status == 'canceling' and not undoing and 'canceling' or 'ok')
