#!lua flags=allow-oom
-- uses shard flows records fencing waiting
-- A running task goes back to waiting. ARGV: id, token, mode ('retry': the attempt failed, the next one is due in
-- `delay` | 'release': the worker stops, the attempt does not count), delay (ms), error (JSON or '').
-- Returns {now, 'ok', jobs wanted} | {now, 'stale'}. Upholds rule 5 (fencing) and rule 6 (time is Redis's).
local id, token, mode, delay, error = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local record = held_record(id, token)
if not record then return { now, 'stale' } end
local retry = mode == 'retry'
return { now, 'ok', requeue(id, record, record.flow, retry, retry and now + delay or nil, error) }
