-- The changes of a record that more than one transition makes. An open record is the hash 'open:ID'; ending packs
-- it into the string 'done:ID'. User JSON is carried as text and never decoded here.

-- One step of priority is worth this much waiting: 0 overtakes 5s that came up to 50 s before it, and no flood of
-- urgent tasks can hold up the others for ever.
local PRIORITY_STEP_US = 10 * 1000000
local RECENT = 64

-- An ended record is packed in two parts, so that lists and expiry need not touch what may be large.
local BULKY = { body = true, result = true }

local function pack_record(record)
  local slim, bulky = {}, {}
  for field, value in pairs(record) do (BULKY[field] and bulky or slim)[field] = value end
  slim = cmsgpack.pack(flat_of(slim))
  return struct.pack('>I4', #slim) .. slim .. cmsgpack.pack(flat_of(bulky))
end

-- The fields of an ended record, flat; nil if there is none.
local function done_record(id)
  local packed = redis.call('GET', done_key(id))
  if not packed then return nil end
  local flat, bulky = cmsgpack.unpack(packed:sub(5))
  for _, part in ipairs(bulky) do flat[#flat + 1] = part end
  return flat
end

-- The same without body and result.
local function done_record_slim(id)
  local length = redis.call('GETRANGE', done_key(id), 0, 3)
  if length == '' then return nil end
  return cmsgpack.unpack(redis.call('GETRANGE', done_key(id), 4, 3 + struct.unpack('>I4', length)))
end

-- The fields of an open record without body and result, flat; nil if there is none.
local function open_record_slim(id)
  local flat = {}
  for _, field in ipairs(redis.call('HKEYS', open_key(id))) do
    if not BULKY[field] then
      flat[#flat + 1] = field
      flat[#flat + 1] = redis.call('HGET', open_key(id), field)
    end
  end
  return #flat > 0 and flat or nil
end

local function status_index(tenant, operation, status)
  return P .. 'index:' .. tenant .. ':' .. operation .. ':' .. status
end

local function index_move(id, tenant, operation, order, from, to)
  redis.call('ZREM', status_index(tenant, operation, from), id)
  redis.call('ZADD', status_index(tenant, operation, to), order, id)
end

-- Puts a pending task among the waiting items of its flow.
local function enqueue(id, lane, flow, order, priority)
  flow_push(lane, flow, id, tonumber(order) + tonumber(priority) * PRIORITY_STEP_US)
end

-- Fencing: whether the attempt that holds this token may still write.
local function holds(id, token)
  local held = redis.call('HMGET', open_key(id), 'status', 'token')
  return held[1] == 'running' and held[2] == token
end

-- What 'progress' is without word from the handler: the share of finished steps.
local function share_of(done, total)
  total = tonumber(total)
  if total == 0 then return 0 end
  return math.floor(100 * tonumber(done) / total)
end

-- The history of attempts is a field a claim, 'attempt:TOKEN' = "number started ended error"; ten are kept.
local function attempt_end(id, record, error)
  local field = 'attempt:' .. record.token
  redis.call('HSET', open_key(id), field, record[field] .. ' ' .. now .. ' ' .. error)
end

-- A running task is pending again. It waits in its flow, or until `due` if that is given.
-- `counts`: whether the attempt is used up. Returns how many jobs its lane wants for it now.
local function requeue(id, record, flow, counts, due, error)
  attempt_end(id, record, error)
  if not counts then redis.call('HINCRBY', open_key(id), 'attempt', -1) end
  redis.call('HSET', open_key(id), 'status', 'pending', 'flow', flow, 'updated', now,
    'progress', share_of(record.done, record.total))
  redis.call('HINCRBY', open_key(id), 'version', 1)
  redis.call('HDEL', open_key(id), 'job')
  redis.call('HDEL', P .. 'jobs:' .. record.lane, record.job)
  index_move(id, record.tenant, record.operation, record.order, 'running', 'pending')
  local jobs = flow_release(record.lane, record.flow)
  if due then
    redis.call('ZADD', P .. 'timers', due, 'retry:' .. id)
    return jobs
  end
  enqueue(id, record.lane, flow, record.order, record.priority)
  return jobs + 1
end

-- A running task ends. ending = {status, reason, result, resource, error, retention}.
-- Returns the version of the ended record and how many jobs its lane wants.
local function end_task(id, record, ending)
  local from, flow, job = record.status, record.flow, record.job
  local version = tonumber(record.version) + 1
  local attempt = 'attempt:' .. record.token
  record[attempt] = record[attempt] .. ' ' .. now .. ' ' .. ending.error
  record.status, record.version = ending.status, tostring(version)
  record.reason, record.error = ending.reason, ending.error
  record.result, record.resource = ending.result, ending.resource
  record.finished, record.updated = tostring(now), tostring(now)
  record.expires = tostring(now + ending.retention)
  if ending.status == 'completed' then record.progress = '100' end
  for field, value in pairs(record) do
    if value == '' then record[field] = nil
    elseif field:sub(1, 5) == 'step:' then record[field] = value:sub(1, 1) end
  end
  for _, spent in ipairs({ 'flow', 'job', 'token', 'done', 'total', 'losses' }) do record[spent] = nil end

  redis.call('SET', done_key(id), pack_record(record))
  redis.call('DEL', open_key(id))
  index_move(id, record.tenant, record.operation, record.order, from, ending.status)
  local minute = math.floor(tonumber(record.expires) / 60000) + 1
  redis.call('RPUSH', P .. 'expire:' .. minute, id)
  redis.call('ZADD', P .. 'timers', minute * 60000, 'expire:' .. minute)
  if ending.status == 'completed' then
    local recent = P .. 'recent:' .. record.operation
    redis.call('LPUSH', recent, now - tonumber(record.began))
    redis.call('LTRIM', recent, 0, RECENT - 1)
  end
  redis.call('HDEL', P .. 'jobs:' .. record.lane, job)
  return version, flow_release(record.lane, flow)
end
