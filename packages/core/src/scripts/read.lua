#!lua flags=no-writes
-- uses shard limits shares groups flows places records packing tombstones
-- Reads a batch of tasks as they are at this moment on Redis's clock. ARGV, 4 an item: tenant, id, and the version and
-- `updated` (ms) of the record that the caller has ('' = none).
-- Answers for each: {'task', position or -1, record} | position or -1 (it is still the caller's record) |
-- {'gone', status, reason, finished, resource} | false (unknown, or another tenant's). A record past its expiry reads as
-- its tombstone, swept or not (rule 6).
local STRIDE = 4

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
  return { 'task', position_of(id, record.status, record.flow, record.fixed), joined(flat) }
end

local function ended_task(id, tenant)
  local flat = done_record(id)
  if not flat then return nil end
  local record = map_of(flat)
  if fixed_of(record) ~= tenant then return false end
  if expired(id, record) then
    return { 'gone', record.status, record.reason or '', record.finished, record.resource or '' }
  end
  return { 'task', -1, joined(flat) }
end

local function buried_task(id, tenant)
  local tombstone = tomb_read(tenant, id)
  if not tombstone then return false end
  return { 'gone', unpack(tombstone) }
end

local found = {}
for at = 1, #ARGV, STRIDE do
  local tenant, id = ARGV[at], ARGV[at + 1]
  local task = open_task(id, tenant, ARGV[at + 2], ARGV[at + 3])
  if task == nil then task = ended_task(id, tenant) end
  if task == nil then task = buried_task(id, tenant) end
  found[#found + 1] = task
end
return answer(found)
