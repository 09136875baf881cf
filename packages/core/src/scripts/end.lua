#!lua flags=allow-oom
-- uses shard flows tasks
-- A running task ends. ARGV: id, token, status, reason, result (JSON), resource, error (JSON), retention (ms).
-- Returns {now, 'ok', jobs wanted, version} | {now, 'stale'}. Upholds rule 2 (one step) and rule 5 (fencing).
local id, token = ARGV[1], ARGV[2]
if not holds(id, token) then return { now, 'stale' } end
local record = map_of(redis.call('HGETALL', open_key(id)))
local version, jobs = end_task(id, record, {
  status = ARGV[3], reason = ARGV[4], result = ARGV[5], resource = ARGV[6], error = ARGV[7], retention = tonumber(ARGV[8]),
})
return { now, 'ok', jobs, version }
