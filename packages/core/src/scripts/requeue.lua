#!lua flags=allow-oom
-- uses shard limits shares groups flows records fencing waiting
-- A task that is held goes back to waiting. ARGV: id, token, mode ('retry': the attempt or the undo failed, the next one is
-- due in `delay` | 'release': the worker stops, the attempt does not count), delay (ms), error (JSON or '').
-- Answers 'ok' | 'canceling' (an attempt that failed is not tried again) | 'stale'.
-- Upholds rule 5 (fencing) and rule 6 (time is Redis's).
local id, token, mode, delay, error = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local record = held_record(id, token)
if not record then return answer('stale') end
local retry = mode == 'retry'
if retry and record.status == 'canceling' and record['attempt:' .. token] then return answer('canceling') end
local due = retry and now + delay or nil
requeue(id, record, { flow = record.flow, counts = retry, due = due, error = error })
return answer('ok')
