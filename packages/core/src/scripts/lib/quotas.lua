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

local make_room_of_own
do
  -- How many ended tasks a create looks at to make room: first few, and more only if of these too few can go; and how many go at most. So
  -- none holds Redis for long.
  local LOOKS = { 20, 200, 2000 }
  local MOST_GONE = 200
  -- It looked in vain: for so long the next does not look while the tenant takes as much as then, since nothing has ended meanwhile.
  local IN_VAIN_MS = 10000
  local ENDED = { 'completed', 'failed', 'canceled' }

  -- The first ended tasks of a tenant, in the order in which they were accepted.
  local function ended_tasks(tenant, most)
    local found = {}
    for _, operation in ipairs(redis.call('SMEMBERS', P .. 'operations:' .. tenant)) do
      for _, status in ipairs(ENDED) do
        local some = redis.call('ZRANGE', status_index(tenant, operation, status), 0, most - 1, 'WITHSCORES')
        for i = 1, #some, 2 do found[#found + 1] = { id = some[i], order = tonumber(some[i + 1]) } end
      end
    end
    table.sort(found, function(a, b) return a.order < b.order or a.order == b.order and a.id < b.id end)
    for at = #found, most + 1, -1 do found[at] = nil end
    return found
  end

  local function taken(tenant) return stored.of(tenant, 'open') + stored.of(tenant, 'ended') end

  -- Lets go of those that may until it fits. Returns how many went, and whether there may be more to look at.
  local function let_go(tenant, most, tombstone_ms, looks)
    local tasks, gone = ended_tasks(tenant, looks), 0
    for _, task in ipairs(tasks) do
      if taken(tenant) <= most or gone == MOST_GONE then return gone, false end
      if stored.counts(task.id) and redis.call('EXISTS', P .. 'trying:' .. task.id) == 0 then
        bury(task.id, map_of(done_record_slim(task.id)), tombstone_ms, 'quota')
        gone = gone + 1
      end
    end
    return gone, #tasks == looks
  end

  -- Ended tasks of a tenant go before their time until it takes no more than `most` bytes; none whose callbacks are still tried, and no more
  -- than are looked at. Returns whether it takes no more.
  function make_room_of_own(tenant, most, tombstone_ms)
    local in_vain, now_taken = P .. 'in-vain:' .. tenant, stored.of(tenant, 'open') .. ' ' .. stored.of(tenant, 'ended')
    if redis.call('GET', in_vain) == now_taken then return false end
    local all_gone = 0
    for _, looks in ipairs(LOOKS) do
      local gone, is_more = let_go(tenant, most, tombstone_ms, looks)
      all_gone = all_gone + gone
      if not is_more or taken(tenant) <= most then break end
    end
    if all_gone == 0 then redis.call('SET', in_vain, now_taken, 'PX', IN_VAIN_MS) end
    return taken(tenant) <= most
  end
end

-- Refuses a task of so many `bytes` of a tenant that would take more than it may even if all that can go had gone; makes room first, if
-- that does it. Returns {'over_quota', 'stored', bytes that it may take, that it takes, how many tasks the lane has to take before one of
-- the tenant's may have ended}; nothing if there is room.
local function over_stored(tenant, lane_name, lane, bytes, default, tombstone_ms)
  local most = limit_of(tenant, 'stored', default)
  if most == math.huge then return nil end
  local open = stored.of(tenant, 'open')
  local fits = open + stored.of(tenant, 'ended') + bytes <= most
  if fits or open + bytes <= most and make_room_of_own(tenant, most - bytes, tombstone_ms) then return nil end
  return { 'over_quota', 'stored', most, open + stored.of(tenant, 'ended'), math.ceil(turns_of(lane_name, lane, tenant)) }
end

local function over_quota(tenant, lane_name, lane, max_backlog, bytes, quotas)
  local waiting, bytes_by_default, tombstone_ms = quotas:match('^(%d+) (%d+) (%d+)$')
  return over_waiting(tenant, lane_name, lane, max_backlog, waiting)
    or over_stored(tenant, lane_name, lane, bytes, bytes_by_default, tonumber(tombstone_ms))
end
