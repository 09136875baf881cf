#!lua flags=no-writes
-- uses shard records packing
-- A page of a tenant's tasks, newest first, without bodies and results.
-- ARGV: tenant, operation or '', status or '', created after, created before ('-inf', '+inf' or an order), cursor order
-- and id ('' = from the start), limit.
-- Answers {more (0 | 1), cursor order, cursor id, {id, record}…}. Merges as few indexes as the
-- filter needs and reads no more than a page of each; the cursor is the place (order, id) of the last task looked at.
local tenant, operation, status = ARGV[1], ARGV[2], ARGV[3]
local lowest, highest, cursor_order, cursor_id, limit = ARGV[4], ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8])
local STATUSES = { 'pending', 'running', 'awaiting_confirmation', 'canceling', 'completed', 'failed', 'canceled' }

local function indexes()
  if operation == '' and status == '' then return { P .. 'index:' .. tenant } end
  local operations = operation ~= '' and { operation } or redis.call('SMEMBERS', P .. 'operations:' .. tenant)
  local statuses = status ~= '' and { status } or STATUSES
  local keys = {}
  for _, name in ipairs(operations) do
    for _, word in ipairs(statuses) do keys[#keys + 1] = status_index(tenant, name, word) end
  end
  return keys
end

-- Whether place a comes before place b, newest first.
local function newer(a, b)
  if a.order ~= b.order then return tonumber(a.order) > tonumber(b.order) end
  return a.id > b.id
end

local from = highest
local cursor
if cursor_id ~= '' then
  cursor = { order = cursor_order, id = cursor_id }
  if highest == '+inf' or tonumber(cursor_order) < tonumber((highest:gsub('%(', ''))) then from = cursor_order end
end

local places = {}
local function collect(key)
  local offset, found = 0, 0
  while found <= limit do
    local part = redis.call('ZRANGE', key, from, lowest, 'BYSCORE', 'REV', 'LIMIT', offset, limit + 1, 'WITHSCORES')
    for i = 1, #part, 2 do
      local place = { id = part[i], order = part[i + 1] }
      if not cursor or newer(cursor, place) then
        places[#places + 1] = place
        found = found + 1
      end
    end
    if #part < 2 * (limit + 1) then return end
    offset = offset + limit + 1
  end
end
for _, key in ipairs(indexes()) do collect(key) end
table.sort(places, newer)

local function entry(id)
  local flat = open_record_slim(id) or done_record_slim(id)
  if not flat then return nil end
  local record = map_of(flat)
  if record.expires and expired(id, record) then return nil end
  return { id, joined(flat) }
end

local last = places[math.min(limit, #places)]
local page = { #places > limit and 1 or 0, last and last.order or '', last and last.id or '' }
for i = 1, math.min(limit, #places) do
  local found = entry(places[i].id)
  if found then page[#page + 1] = found end
end
return answer(page)
