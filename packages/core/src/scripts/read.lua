#!lua flags=no-writes
-- uses shard limits shares groups flows places records packing tombstones
-- Reads a batch of tasks as they are at this moment on Redis's clock. ARGV, 4 an item: tenant, id, and the version and
-- `updated` (ms) of the record that the caller has ('' = none).
-- Answers for each: {'task', position or -1, record} | position or -1 (it is still the caller's record) | {'later'} (those before it
-- are large: it is to be asked for again) |
-- {'gone', status, reason, finished, resource} | false (unknown, or another tenant's). A record past its expiry reads as
-- its tombstone, swept or not (rule 6).
local STRIDE = 4
-- What the records of one call may take before the next one has to wait for another call.
local MOST_BYTES = 65536
local bytes = 0

local function shown(position, flat)
  local record = joined(flat)
  bytes = bytes + #record
  return { 'task', position, record }
end

local function position_of(id, status, flow, fixed)
  if status ~= 'pending' then return -1 end
  local lane = fixed:match('^%S+ %S+ (%S+)')
  local rank = redis.call('ZRANK', flow_key(lane, flow), id)
  return rank and place_in(lane, flow, rank) or -1
end

local function open_task(id, tenant, version, updated)
  if version ~= '' then
    local seen = redis.call('HMGET', open_key(id), 'version', 'updated', 'status', 'flow', 'fixed')
    if seen[1] == version and seen[2] == updated then return position_of(id, seen[3], seen[4], seen[5]) end
  end
  local flat = redis.call('HGETALL', open_key(id))
  if #flat == 0 then return nil end
  local record = map_of(flat)
  if fixed_of(record) ~= tenant then return false end
  return shown(position_of(id, record.status, record.flow, record.fixed), flat)
end

local function ended_task(id, tenant)
  local flat = done_record(id)
  if not flat then return nil end
  local record = map_of(flat)
  if fixed_of(record) ~= tenant then return false end
  if expired(id, record) then
    return { 'gone', record.status, record.reason or '', record.finished, record.resource or '' }
  end
  return shown(-1, flat)
end

local function buried_task(id, tenant)
  local tombstone = tomb_read(tenant, id)
  if not tombstone then return false end
  return { 'gone', unpack(tombstone) }
end

local function task_of(tenant, id, version, updated)
  if bytes > MOST_BYTES then return { 'later' } end
  local task = open_task(id, tenant, version, updated)
  if task == nil then task = ended_task(id, tenant) end
  if task == nil then task = buried_task(id, tenant) end
  return task
end

local found = {}
for at = 1, #ARGV, STRIDE do found[#found + 1] = task_of(unpack(ARGV, at, at + STRIDE - 1)) end
return answer(found)
