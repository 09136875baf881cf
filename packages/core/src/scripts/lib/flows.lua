-- A lane is fair by flow. Keys: 'lane:L' hash {waiting, slots, cap, fetched, probed}; 'flow:L:F' zset of waiting items;
-- 'running:L' hash flow -> running count; 'turns:L' zset of the ready flows, the next one first.
-- A flow is ready when it has items and is below its cap; only ready flows stand in 'turns'.

-- The lane of callbacks. Its flows are endpoints, 'TENANT ORIGIN'. Each has a cap (of its own in 'endpoint:FLOW' while it is
-- not well, else the lane's), and so has each group: a tenant, 'TENANT', and within it all its endpoints that are slow, 'TENANT
-- slow': those that do not have 'quick' in 'endpoint:FLOW', since nobody knows how long they take, or that is long.
-- 'tenants:callbacks' hash group -> running count; 'aside:GROUP' zset of its flows that lost their turn since it was at its cap,
-- the first one first. While it has room and some stand aside that are ready, one of its flows has its turn: it wakes the next
-- when it loses that, as whatever is over does.
local CALLBACKS = 'callbacks'
-- Where no worker has said it.
local ENDPOINT_CAP = 10
-- The part of all slots that one tenant may take, and the part of that for its slow endpoints together.
local TENANT_SHARE = 0.75
local SLOW_SHARE = 0.5
-- A receiver that was never tried stands aside before all that are known to be slow and came in this time.
local NEW_AHEAD_US = 3600 * 1000000

-- Tasks whose worker was lost twice run here, one at a time, so that a poison task takes no neighbours with it.
local SUSPECTS = '~suspects'

local function flow_key(lane, flow) return P .. 'flow:' .. lane .. ':' .. flow end

local function endpoint_key(flow) return P .. 'endpoint:' .. flow end

local function endpoint_cap() return tonumber(redis.call('HGET', P .. 'lane:' .. CALLBACKS, 'cap') or ENDPOINT_CAP) end

local function flow_cap(lane, flow)
  if flow == SUSPECTS then return 1 end
  if lane ~= CALLBACKS then return math.huge end
  return math.min(endpoint_cap(), tonumber(redis.call('HGET', endpoint_key(flow), 'cap') or math.huge))
end

-- How many more items of a flow may run.
local function flow_room(lane, flow)
  return flow_cap(lane, flow) - tonumber(redis.call('HGET', P .. 'running:' .. lane, flow) or 0)
end

-- How many of those that wait at an endpoint its own cap lets through.
local function flow_openings(flow)
  return math.min(redis.call('ZCARD', flow_key(CALLBACKS, flow)), flow_room(CALLBACKS, flow))
end

-- The tenant of a flow, or of a group.
local function tenant_of(flow) return flow:match('^%S+') end

local function slow_of(tenant) return tenant .. ' slow' end

local function is_slow(flow) return redis.call('HEXISTS', endpoint_key(flow), 'quick') == 0 end

-- How many more deliveries of a group its own cap lets through.
local function group_room(group)
  local slots = tonumber(redis.call('HGET', P .. 'lane:' .. CALLBACKS, 'slots') or 0)
  if slots == 0 then return math.huge end
  local cap = math.ceil(TENANT_SHARE * slots)
  if group ~= tenant_of(group) then cap = math.max(1, math.floor(SLOW_SHARE * cap)) end
  return cap - tonumber(redis.call('HGET', P .. 'tenants:' .. CALLBACKS, group) or 0)
end

-- The group that is at its cap and keeps a flow from its turn; nil if none does.
local function full_group(flow)
  local tenant = tenant_of(flow)
  if is_slow(flow) and group_room(slow_of(tenant)) <= 0 then return slow_of(tenant) end
  return group_room(tenant) <= 0 and tenant or nil
end

-- A group has so many more, or fewer, under way.
local function group_counts(group, change)
  local running = P .. 'tenants:' .. CALLBACKS
  if change ~= 0 and redis.call('HINCRBY', running, group, change) <= 0 then redis.call('HDEL', running, group) end
end

-- So do all groups of a flow.
local function groups_count(flow, change)
  group_counts(tenant_of(flow), change)
  if is_slow(flow) then group_counts(slow_of(tenant_of(flow)), change) end
end

-- What the living workers run of a lane at once.
local function lane_slots(lane)
  local slots = 0
  for _, member in ipairs(redis.call('ZRANGE', P .. 'slots:' .. lane, '(' .. now, '+inf', 'BYSCORE')) do
    slots = slots + tonumber(member:match(' (%d+)$'))
  end
  return slots
end

-- How many items of a lane run.
local function lane_running(lane)
  local running = 0
  for _, count in ipairs(redis.call('HVALS', P .. 'running:' .. lane)) do running = running + tonumber(count) end
  return running
end

-- Puts a flow among the turns if it is ready and not there. It enters right after the flow whose turn it is, which
-- then goes a whole turn back, so that none which empties and refills can overtake those that wait.
-- Returns 1 if it became ready, else 0.
local function flow_place(lane, flow)
  local cap, turns = flow_cap(lane, flow), P .. 'turns:' .. lane
  if cap < math.huge and tonumber(redis.call('HGET', P .. 'running:' .. lane, flow) or 0) >= cap then return 0 end
  if redis.call('EXISTS', flow_key(lane, flow)) == 0 then return 0 end
  local next_turn = redis.call('ZRANGE', turns, 0, 0, 'WITHSCORES')
  if next_turn[1] == flow then return 0 end
  return redis.call('ZADD', turns, 'NX', (next_turn[2] or 0) + 0.5, flow)
end

-- If a tenant has room, the first of its flows that stood aside and is ready has its turn again; and the first of its slow ones if
-- those have room, too.
local function tenant_wake(tenant)
  for _, group in ipairs({ tenant, slow_of(tenant) }) do
    local aside, woken = P .. 'aside:' .. group, 0
    while woken == 0 and redis.call('EXISTS', aside) == 1 and group_room(tenant) > 0 and group_room(group) > 0 do
      local flow = redis.call('ZPOPMIN', aside)[1]
      woken = flow_place(CALLBACKS, flow)
      if woken == 1 then want(CALLBACKS, math.min(flow_openings(flow), group_room(tenant), group_room(group))) end
    end
  end
end

-- A flow loses its turn: it is not ready any more.
local function flow_leaves(lane, flow)
  redis.call('ZREM', P .. 'turns:' .. lane, flow)
  if lane == CALLBACKS then tenant_wake(tenant_of(flow)) end
end

-- Returns 1 if the flow became ready, else 0: one that had items is where it belongs.
local function flow_push(lane, flow, item, score)
  local key = flow_key(lane, flow)
  redis.call('ZADD', key, score, item)
  redis.call('HINCRBY', P .. 'lane:' .. lane, 'waiting', '1')
  return redis.call('ZCARD', key) == 1 and flow_place(lane, flow) or 0
end

-- Flows that lose their turn in one call, so that no call holds Redis for long.
local asides_left = 200

-- Takes the flow whose turn it is out of the turns if a group of it is at its cap. Returns whether it did.
local function flow_step_aside(lane, flow)
  local group = lane == CALLBACKS and full_group(flow)
  if not group then return false end
  local is_new = group ~= tenant_of(flow) and redis.call('HEXISTS', endpoint_key(flow), 'recent') == 0
  redis.call('ZADD', P .. 'aside:' .. group, 'NX', string.format('%.0f', now_us - (is_new and NEW_AHEAD_US or 0)), flow)
  flow_leaves(lane, flow)
  asides_left = asides_left - 1
  return true
end

-- Takes the first item of the flow whose turn it is. Returns item, flow; nothing if no flow is ready.
local function flow_take(lane)
  local turns = P .. 'turns:' .. lane
  while asides_left > 0 do
    local flow = redis.call('ZRANGE', turns, '0', '0')[1]
    if not flow then return nil end
    if not flow_step_aside(lane, flow) then
      local item = redis.call('ZPOPMIN', flow_key(lane, flow))[1]
      local running = redis.call('HINCRBY', P .. 'running:' .. lane, flow, '1')
      if lane == CALLBACKS then groups_count(flow, 1) end
      redis.call('HINCRBY', P .. 'lane:' .. lane, 'waiting', '-1')
      if running >= flow_cap(lane, flow) or redis.call('EXISTS', flow_key(lane, flow)) == 0 then
        flow_leaves(lane, flow)
      else
        redis.call('ZINCRBY', turns, '1', flow)
      end
      return item, flow
    end
  end
  -- The rest is for another call.
  want(lane, 1)
end

-- Takes an item out of those that wait, if it is there.
local function flow_remove(lane, flow, item)
  if redis.call('ZREM', flow_key(lane, flow), item) == 0 then return end
  redis.call('HINCRBY', P .. 'lane:' .. lane, 'waiting', -1)
  if redis.call('EXISTS', flow_key(lane, flow)) == 0 then flow_leaves(lane, flow) end
end

-- An item of the flow no longer runs. If that makes a capped flow ready, one more job is wanted.
local function flow_release(lane, flow)
  if redis.call('HINCRBY', P .. 'running:' .. lane, flow, '-1') <= 0 then
    redis.call('HDEL', P .. 'running:' .. lane, flow)
  end
  if lane == CALLBACKS then
    groups_count(flow, -1)
    -- Those that stood aside go before it.
    tenant_wake(tenant_of(flow))
  end
  if flow_cap(lane, flow) < math.huge then want(lane, flow_place(lane, flow)) end
end

-- Caps of callbacks are others than before: who was at one may not be any more, and the other way round. Only those can be of
-- whom something is under way.
local function caps_changed()
  for _, flow in ipairs(redis.call('HKEYS', P .. 'running:' .. CALLBACKS)) do
    local running = tonumber(redis.call('HGET', P .. 'running:' .. CALLBACKS, flow))
    if running < flow_cap(CALLBACKS, flow) then want(CALLBACKS, flow_place(CALLBACKS, flow)) else flow_leaves(CALLBACKS, flow) end
  end
  for _, group in ipairs(redis.call('HKEYS', P .. 'tenants:' .. CALLBACKS)) do
    if group == tenant_of(group) then tenant_wake(group) end
  end
end
