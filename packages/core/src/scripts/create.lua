#!lua
-- uses shard limits shares groups flows places records waiting packing outbox tombstones burying quotas audit
-- Accepts a batch of tasks, each with an outcome of its own.
-- ARGV, 19 an item: id, tenant, operation, lane, priority, accept_by (ms, Redis's clock), max_backlog, max_queue,
-- idempotency key ('' = none), fingerprint, key lifetime (ms), limits (as `limits_of` reads them), ms to start within and in
-- all (0 = any), head (JSON), body (JSON text), callback (the letters of its events and its flow: outbox.lua; '' = none), quotas
-- (quotas.lua; '' = none hold), who asks for it (audit.lua).
-- Answers an outcome for each: {'created', position} | {'exists', id} | {'conflict'} | {'late'} |
-- {'backlog_full', waiting} | {'over_quota', …} | {'never_fits', …} as quotas.lua has them. A job is wanted unless the lane has plenty: a
-- worker that has one claims until nothing may run, so that none of those that were added since then is spent. Where a cap has kept
-- out what jobs came for, since the lane was last empty, one is wanted for all but what a cap keeps out, up to as many.
-- Upholds rule 2 (one step) and rule 10 (a create that the client was refused never comes alive).
local STRIDE = 19
local FORMAT = tostring(FORMAT_WRITTEN)

local function limit(id, kind, field, ms)
  local due = timestamp(now + ms)
  redis.call('HSET', open_key(id), field, due)
  redis.call('ZADD', P .. 'timers', due, kind .. ':' .. id)
end

-- Whether a task that has just come, behind `waiting`, wants a job.
local function wants_job(name, lane, waiting, tenant)
  local plenty, wanted_since = math.max(2 * lane.slots, LEAST_JOBS), jobs_wanted(name)
  if not wanted_since then return waiting < plenty end
  if wanted_since >= plenty or not flow_lets_in(name, tenant) then return false end
  set_jobs_wanted(name, waiting > 0 and wanted_since + 1)
  return true
end

-- Tells lists that the tenant has used the operation.
local told = {}
local function tell_operation(tenant, operation)
  local place = tenant .. ' ' .. operation
  if told[place] then return end
  told[place] = true
  redis.call('SADD', P .. 'operations:' .. tenant, operation)
end

local function create(at)
  local id, tenant, operation, lane_name, priority = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local accept_by, max_backlog, max_queue = tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6]), tonumber(ARGV[at + 7])
  local key, fingerprint, key_ms = ARGV[at + 8], ARGV[at + 9], ARGV[at + 10]
  local limits, start_ms, total_ms = ARGV[at + 11], tonumber(ARGV[at + 12]), tonumber(ARGV[at + 13])
  local head, body, callback, quotas = ARGV[at + 14], ARGV[at + 15], ARGV[at + 16], ARGV[at + 17]

  if now > accept_by then return { 'late' } end
  if key ~= '' then
    key = P .. 'key:' .. tenant .. ':' .. key
    local used = redis.call('GET', key)
    if used then
      local before, existing = used:match('^(%S+) (%S+)$')
      if before ~= fingerprint then return { 'conflict' } end
      -- Whoever sends it again is answered with it: it is not taken back any more.
      if redis.call('EXISTS', open_key(existing)) == 1 then redis.call('HSET', open_key(existing), 'asked', '1') end
      return { 'exists', existing }
    end
  end
  local lane = lane_of(lane_name)
  local waiting = lane.waiting
  if waiting >= max_backlog or waiting > max_queue then return { 'backlog_full', waiting } end
  local bytes = stored.open_bytes(head, body)
  local refusal = quotas ~= '' and over_quota(tenant, lane_name, lane, max_backlog, bytes, quotas)
  if refusal then return refusal end

  -- Unique within the batch; later batches are later by the clock.
  local order = string.format('%.0f', now_us + (at - 1) / STRIDE)
  local fixed = table.concat({ tenant, operation, lane_name, priority, order, limits }, ' ')
  redis.call('HSET', open_key(id), 'format', FORMAT, 'fixed', fixed, 'head', head, 'body', body, 'flow', tenant, 'status', 'pending',
    'version', '1', 'token', '0', 'attempt', '0', 'progress', '0', 'done', '0', 'created', now_text, 'updated', now_text)
  if start_ms > 0 then limit(id, 'start', 'start_by', start_ms) end
  if total_ms > 0 then limit(id, 'deadline', 'deadline', total_ms) end
  if callback ~= '' then redis.call('HSET', open_key(id), 'callback', callback) end
  if key ~= '' then redis.call('SET', key, fingerprint .. ' ' .. id, 'PX', key_ms) end
  tell_operation(tenant, operation)
  stored.count_from_now()
  stored.charge(tenant, id, 'open', bytes)
  audit(tenant, 'task.create', ARGV[at + 18], id, operation)
  count('created ' .. operation, 1)
  count_tasks(operation, 'pending', 1)
  redis.call('ZADD', P .. 'index:' .. tenant, order, id)
  redis.call('ZADD', status_index(tenant, operation, 'pending'), order, id)
  if enqueue(id, lane_name, tenant, order, priority) == 1 then lane.weight = lane.weight + limits_set(tenant).weight end
  lane.waiting = waiting + 1
  if wants_job(lane_name, lane, waiting, tenant) then want(lane_name, 1) end
  return { 'created', place_in(lane_name, tenant, redis.call('ZRANK', flow_key(lane_name, tenant), id)) }
end

local outcomes = {}
for at = 1, #ARGV, STRIDE do outcomes[#outcomes + 1] = create(at) end
return answer(outcomes)
