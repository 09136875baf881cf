#!lua flags=no-writes
-- uses shard flows records packing tombstones
-- Reads a batch of tasks as they are at this moment on Redis's clock. ARGV: tenant, id, tenant, id, …
-- Returns {now, answer…}: {'task', position or -1, record} | {'gone', status, reason, finished, resource} |
-- false (unknown, or another tenant's). A record past its expiry reads as its tombstone, swept or not (rule 6).
local function open_task(id, tenant)
  local flat = redis.call('HGETALL', open_key(id))
  if #flat == 0 then return nil end
  local record = map_of(flat)
  local owner, _, lane = fixed_of(record)
  if owner ~= tenant then return false end
  local position = -1
  if record.status == 'pending' then
    local rank = redis.call('ZRANK', flow_key(lane, record.flow), id)
    if rank then
      local flows = redis.call('ZCARD', P .. 'turns:' .. lane)
      local waiting = tonumber(redis.call('HGET', P .. 'lane:' .. lane, 'waiting'))
      position = math.min(waiting - 1, rank * math.max(1, flows))
    end
  end
  return { 'task', position, joined(flat) }
end

local function ended_task(id, tenant)
  local flat = done_record(id)
  if not flat then return nil end
  local record = map_of(flat)
  if fixed_of(record) ~= tenant then return false end
  if tonumber(record.expires) <= now then
    return { 'gone', record.status, record.reason or '', record.finished, record.resource or '' }
  end
  return { 'task', -1, joined(flat) }
end

local function buried_task(id, tenant)
  local tombstone = tomb_read(tenant, id)
  if not tombstone then return false end
  return { 'gone', unpack(tombstone) }
end

local answers = { now }
for at = 1, #ARGV, 2 do
  local tenant, id = ARGV[at], ARGV[at + 1]
  local answer = open_task(id, tenant)
  if answer == nil then answer = ended_task(id, tenant) end
  if answer == nil then answer = buried_task(id, tenant) end
  answers[#answers + 1] = answer
end
return answers
