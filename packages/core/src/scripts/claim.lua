#!lua flags=allow-oom
-- uses shard flows records
-- Binds each job of a batch to the task whose turn it is in its lane. ARGV: lane, job, lane, job, …
-- Returns {now, outcome…}: {'claimed', jobs wanted, id, token, record}, the record before, then what changed, so that
-- of a field that comes twice the later counts | {'none', jobs wanted} | {'lost'}: the job was bound already.
-- Upholds rule 3 (late binding) and rule 5 (each claim a new token).

-- Makes the task the job's own. Returns its fields; nil if it does not wait any more.
local function bind(id, flow, lane, job)
  local key = open_key(id)
  local flat = redis.call('HGETALL', key)
  local record = map_of(flat)
  if record.status ~= 'pending' then return nil end
  local token, attempt = tostring(record.token + 1), tostring(record.attempt + 1)
  local changes = {
    'status', 'running', 'token', token, 'attempt', attempt, 'job', job, 'flow', flow,
    'version', tostring(record.version + 1), 'updated', now_text, 'began', now_text,
    'started', record.started or now_text, 'attempt:' .. token, attempt .. ' ' .. now_text,
  }
  redis.call('HSET', P .. 'jobs:' .. lane, job, id)
  redis.call('HSET', key, unpack(changes))
  if tonumber(token) > 10 then redis.call('HDEL', key, 'attempt:' .. token - 10) end
  local tenant, operation, _, _, order = fixed_of(record)
  index_move(id, tenant, operation, order, 'pending', 'running')
  for _, part in ipairs(changes) do flat[#flat + 1] = part end
  return token, flat
end

local function claim(lane, job)
  if redis.call('HEXISTS', P .. 'jobs:' .. lane, job) == 1 then return { 'lost' } end
  local jobs = 0
  while true do
    local id, flow = flow_take(lane)
    if not id then return { 'none', jobs } end
    local token, fields = bind(id, flow, lane, job)
    if token then return { 'claimed', jobs, id, token, joined(fields) } end
    jobs = jobs + flow_release(lane, flow)
  end
end

local outcomes = { now }
local fetched = {}
for at = 1, #ARGV, 2 do
  local lane = ARGV[at]
  if not fetched[lane] then
    fetched[lane] = true
    redis.call('HSET', P .. 'lane:' .. lane, 'fetched', now_text)
  end
  outcomes[#outcomes + 1] = claim(lane, ARGV[at + 1])
end
return outcomes
