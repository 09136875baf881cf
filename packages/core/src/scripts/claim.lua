#!lua flags=allow-oom
-- uses shard flows tasks
-- Binds a job to the task whose turn it is in its lane.
-- ARGV: lane, job, losses that end a task, its error then (JSON), retention (ms).
-- Returns {now, jobs wanted, id?, token?, field, value, …}.
-- Upholds rule 3 (late binding: a job that is delivered again has lost its worker) and rule 5 (each claim a new token).
local lane, job, max_losses, lost_error, retention = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local jobs = 0

local function lose(id)
  redis.call('HDEL', P .. 'jobs:' .. lane, job)
  local record = map_of(redis.call('HGETALL', open_key(id)))
  if record.status ~= 'running' or record.job ~= job then return end
  local losses = redis.call('HINCRBY', open_key(id), 'losses', 1)
  if losses >= max_losses then
    local _, wanted = end_task(id, record, {
      status = 'failed', reason = 'worker_lost', result = '', resource = '', error = lost_error, retention = retention,
    })
    jobs = jobs + wanted
  else
    jobs = jobs + requeue(id, record, losses > 1 and SUSPECTS or record.tenant, false, nil, lost_error) - 1
  end
end

redis.call('HSET', P .. 'lane:' .. lane, 'fetched', now)
local bound = redis.call('HGET', P .. 'jobs:' .. lane, job)
if bound then lose(bound) end

while true do
  local id, flow = flow_take(lane)
  if not id then return { now, jobs } end
  local key = open_key(id)
  local record = map_of(redis.call('HGETALL', key))
  if record.status == 'pending' then
    local token, attempt = record.token + 1, record.attempt + 1
    redis.call('HSET', P .. 'jobs:' .. lane, job, id)
    redis.call('HSET', key, 'status', 'running', 'token', token, 'attempt', attempt, 'job', job, 'flow', flow,
      'version', record.version + 1, 'updated', now, 'began', now, 'started', record.started or now,
      'attempt:' .. token, attempt .. ' ' .. now)
    if token > 10 then redis.call('HDEL', key, 'attempt:' .. token - 10) end
    index_move(id, record.tenant, record.operation, record.order, 'pending', 'running')
    local reply = { now, jobs, id, tostring(token) }
    for _, part in ipairs(redis.call('HGETALL', key)) do reply[#reply + 1] = part end
    return reply
  end
  jobs = jobs + flow_release(lane, flow)
end
