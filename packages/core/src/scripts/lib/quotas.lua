-- Quotas of a tenant, held where tasks are created. `quotas`, as a create is given them: 'WAITING STORED TOMBSTONE_MS', the
-- defaults of tasks in a lane and of bytes (0 = any number), and how long a tombstone is kept. What an operator has set (limits.lua)
-- goes before them.

-- The part of a lane's backlog of which no tenant may take more than it leaves free: whoever fills a lane leaves room for a newcomer.
local KEPT_FOR_FEW = 0.1

-- What the call knows of limits: asked for once.
local known_limits = {}
local function limit_of(tenant, name, default)
  local field = limit_field(tenant, name)
  if not known_limits[field] then known_limits[field] = tonumber(redis.call('HGET', LIMITS, field) or default) end
  return known_limits[field] > 0 and known_limits[field] or math.huge
end

-- How many tasks a lane takes for each of a tenant: by turns, and what the tenant's cap keeps out.
local function turns_of(lane_name, lane, tenant)
  return math.max(1, lane.weight * flow_turn(lane_name, tenant), lane.slots / flow_cap(lane_name, tenant))
end

-- Refuses a task more of a tenant that has as many waiting in the lane as it may. `lane`: as places.lua has it. Returns {'over_quota', 'waiting', how many may wait, how many do, how many the lane has to take before the tenant has
-- room}; nothing if it has room.
local function over_waiting(tenant, lane_name, lane, max_backlog, default)
  local most = limit_of(tenant, 'waiting', default)
  local free = max_backlog - lane.waiting
  local nearly_full = free <= KEPT_FOR_FEW * max_backlog and free < most
  local own = redis.call('ZCARD', flow_key(lane_name, tenant))
  if own < (nearly_full and free or most) then return nil end
  local turns = turns_of(lane_name, lane, tenant)
  if not nearly_full then return { 'over_quota', 'waiting', most, own, math.ceil((own - most + 1) * turns) } end
  -- Each that is taken leaves one more free, and in its turn the tenant has one less.
  return { 'over_quota', 'waiting', free, own, math.ceil((own - free + 1) * turns / (turns + 1)) }
end

-- What one call does at most to make room, whatever it creates, so that none holds Redis for long: looks, of which one that takes a task
-- away costs as much as some others. Tasks are read in parts.
local looks_left, BURYING_LOOKS = 500, 5
local LOOKED_AT_ONCE = 16
-- The part of the quota that is made free once it is used up, so that most creates after that look at nothing.
local FREE_MARGIN = 0.01
local OPEN = { 'pending', 'running', 'awaiting_confirmation', 'canceling' }

-- Ended tasks of a tenant go before their time, those that were accepted first first, until it takes no more than `enough` bytes; none
-- whose callbacks are still tried. What cannot go is passed, and looked at again once it can. Returns whether the tenant takes no
-- more than `most`, and whether all were looked at.
local function make_room_of_own(tenant, most, enough, tombstone_ms)
  local late, index = stored.late_key(tenant), P .. 'index:' .. tenant
  local open = stored.of(tenant, 'open')
  local function takes_more_than(bytes) return open + stored.of(tenant, 'ended') > bytes end
  local function is_over() return looks_left <= 0 or not takes_more_than(enough) end
  local function look(id)
    looks_left = looks_left - 1
    if not stored.counts(id) or redis.call('EXISTS', P .. 'trying:' .. id) == 1 then return end
    local slim = done_record_slim(id)
    if not slim then return end
    bury(id, map_of(slim), tombstone_ms, 'quota')
    looks_left = looks_left - BURYING_LOOKS + 1
  end
  -- Looks at those that a part of them holds, until it is over. Returns whether there was any.
  local function look_at(flat, pass)
    for at = 1, #flat, 2 do
      if is_over() then break end
      pass(flat[at], flat[at + 1])
      look(flat[at])
    end
    return #flat > 0
  end
  local function passed_before() return redis.call('ZRANGE', late, 0, LOOKED_AT_ONCE - 1, 'WITHSCORES') end
  local function not_yet_passed()
    local from = '(' .. (stored.passed(tenant) or '0')
    return redis.call('ZRANGE', index, from, '+inf', 'BYSCORE', 'LIMIT', 0, LOOKED_AT_ONCE, 'WITHSCORES')
  end
  local all_seen = false
  while not all_seen and not is_over() do
    all_seen = not (look_at(passed_before(), function(id) redis.call('ZREM', late, id) end)
      or look_at(not_yet_passed(), function(_, order) stored.pass(tenant, order) end))
  end
  return not takes_more_than(most), all_seen
end

-- How many tasks a lane has to take before `bytes` of a tenant's open ones, which take `open`, are likely to be those of ended
-- ones; -1 if so many neither wait nor run there: nobody knows.
local function takes_to_end(tenant, lane_name, lane, bytes, open)
  local tasks = 0
  for _, operation in ipairs(redis.call('SMEMBERS', P .. 'operations:' .. tenant)) do
    for _, status in ipairs(OPEN) do tasks = tasks + redis.call('ZCARD', status_index(tenant, operation, status)) end
  end
  local here = redis.call('ZCARD', flow_key(lane_name, tenant)) + tonumber(redis.call('HGET', P .. 'running:' .. lane_name, tenant) or 0)
  local ends = math.ceil(bytes * tasks / open)
  if ends > here then return -1 end
  -- Where it has fewer tasks than the lane has slots, what the others take ends none of its own.
  return math.ceil(ends * math.max(turns_of(lane_name, lane, tenant), lane.slots / math.max(1, math.min(lane.slots, here))))
end

-- Refuses a task of so many `bytes` of a tenant that would take more than it may even if all that can go had gone; makes room first, if
-- that does it. Returns {'never_fits', bytes that the tenant may take, that the task takes}, or {'over_quota', 'stored', bytes that it
-- may take, that it takes, how many tasks the lane has to take before enough may have ended; 0: room is being made, -1: nobody
-- knows}; nothing if there is room.
local function over_stored(tenant, lane_name, lane, bytes, default, tombstone_ms)
  local most = limit_of(tenant, 'stored', default)
  if most == math.huge then return nil end
  local open = stored.of(tenant, 'open')
  local used = open + stored.of(tenant, 'ended')
  if used + bytes <= most then return nil end
  if bytes > most then return { 'never_fits', most, bytes } end
  local takes
  if open + bytes > most then
    takes = takes_to_end(tenant, lane_name, lane, open + bytes - most, open)
  else
    local has_room, all_seen = make_room_of_own(tenant, most - bytes, (1 - FREE_MARGIN) * most - bytes, tombstone_ms)
    if has_room then return nil end
    takes = all_seen and -1 or 0
  end
  return { 'over_quota', 'stored', most, open + stored.of(tenant, 'ended'), takes }
end

local function over_quota(tenant, lane_name, lane, max_backlog, bytes, quotas)
  local waiting, bytes_by_default, tombstone_ms = quotas:match('^(%d+) (%d+) (%d+)$')
  return over_waiting(tenant, lane_name, lane, max_backlog, waiting)
    or over_stored(tenant, lane_name, lane, bytes, bytes_by_default, tonumber(tombstone_ms))
end
