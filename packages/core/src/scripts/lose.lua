#!lua flags=allow-oom
-- uses shard flows records fencing waiting packing ending
-- A job came again: its worker was lost. Once, the task goes back to its flow; twice, to the suspects; after that it ends.
-- ARGV: lane, job, losses that end a task, its error then (JSON), retention (ms).
-- Returns {now, jobs wanted}. Upholds rule 3 (a job that is delivered again finds its own binding).
local lane, job, max_losses, lost_error, retention = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local id = redis.call('HGET', P .. 'jobs:' .. lane, job)
if not id then return { now, 0 } end
redis.call('HDEL', P .. 'jobs:' .. lane, job)
local record = map_of(redis.call('HGETALL', open_key(id)))
if record.status ~= 'running' or record.job ~= job then return { now, 0 } end

local losses = redis.call('HINCRBY', open_key(id), 'losses', 1)
if losses < max_losses then
  local flow = losses > 1 and SUSPECTS or fixed_of(record)
  -- The job at hand is one of those that the lane wants.
  return { now, requeue(id, record, flow, false, nil, lost_error) - 1 }
end
return { now, end_task(id, record, {
  status = 'failed', reason = 'worker_lost', result = '', resource = '', error = lost_error, retention = retention,
}) }
