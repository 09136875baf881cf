#!lua flags=allow-oom
-- uses shard flows records
-- Takes for each of a batch the task whose turn it is in a lane. ARGV: lease (ms), lane, lane, …
-- Returns {now, outcome…}: {'claimed', jobs wanted, id, token, record}, the record before, then what changed, so that
-- of a field that comes twice the later counts | {'none', jobs wanted}.
-- Upholds rule 3 (late binding) and rule 5 (each claim a new token, and a lease that its holder must renew).
local lease = tonumber(ARGV[1])

-- Makes the task the claimer's own. Returns its token and fields; nil if it does not wait any more.
local function bind(id, flow)
  local key = open_key(id)
  local flat = redis.call('HGETALL', key)
  local record = map_of(flat)
  if record.status ~= 'pending' then return nil end
  local token, attempt = tostring(record.token + 1), tostring(record.attempt + 1)
  local changes = {
    'status', 'running', 'token', token, 'attempt', attempt, 'flow', flow,
    'version', tostring(record.version + 1), 'updated', now_text, 'began', now_text,
    'started', record.started or now_text, 'attempt:' .. token, attempt .. ' ' .. now_text,
  }
  redis.call('HSET', key, unpack(changes))
  redis.call('ZADD', P .. 'timers', string.format('%.0f', now + lease), 'lease:' .. id)
  if tonumber(token) > 10 then redis.call('HDEL', key, 'attempt:' .. token - 10) end
  local tenant, operation, _, _, order = fixed_of(record)
  index_move(id, tenant, operation, order, 'pending', 'running')
  for _, part in ipairs(changes) do flat[#flat + 1] = part end
  return token, flat
end

local function claim(lane)
  local jobs = 0
  while true do
    local id, flow = flow_take(lane)
    if not id then return { 'none', jobs } end
    local token, fields = bind(id, flow)
    if token then return { 'claimed', jobs, id, token, joined(fields) } end
    jobs = jobs + flow_release(lane, flow)
  end
end

local outcomes = { now }
local fetched = {}
for at = 2, #ARGV do
  local lane = ARGV[at]
  if not fetched[lane] then
    fetched[lane] = true
    redis.call('HSET', P .. 'lane:' .. lane, 'fetched', now_text)
  end
  outcomes[#outcomes + 1] = claim(lane)
end
return outcomes
