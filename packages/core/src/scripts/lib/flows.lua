-- A lane is fair by flow. Keys: 'lane:L' hash {waiting, slots, cap, fetched, probed}; 'flow:L:F' zset of waiting items;
-- 'running:L' hash flow -> running count; 'turns:L' zset of the ready flows, the next one first.
-- A flow is ready when it has items and is below its cap; only ready flows stand in 'turns'.

-- The lane of callbacks. Its flows are endpoints, 'TENANT ORIGIN'. Each has a cap (of its own in 'endpoint:FLOW' while it is
-- not well, else the lane's), and so has each tenant: 'tenants:callbacks' hash tenant -> running count; 'aside:TENANT' zset
-- of its flows that lost their turn since it was at its cap, the first one first. While it has room and some stand aside that are
-- ready, one of its flows has its turn: it wakes the next when it loses that, as whatever is over does.
local CALLBACKS = 'callbacks'
-- Where no worker has said it.
local ENDPOINT_CAP = 10
-- The part of all slots that one tenant may take.
local TENANT_SHARE = 0.75

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

-- How many more deliveries a flow's tenant may have under way.
local function tenant_room(tenant)
  local slots = tonumber(redis.call('HGET', P .. 'lane:' .. CALLBACKS, 'slots') or 0)
  if slots == 0 then return math.huge end
  return math.ceil(TENANT_SHARE * slots) - tonumber(redis.call('HGET', P .. 'tenants:' .. CALLBACKS, tenant) or 0)
end

local function tenant_of(flow) return flow:match('^%S+') end

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

-- If a tenant has room, the first of its flows that stood aside and is ready has its turn again.
local function tenant_wake(tenant)
  local aside = P .. 'aside:' .. tenant
  while redis.call('EXISTS', aside) == 1 and tenant_room(tenant) > 0 do
    local flow = redis.call('ZPOPMIN', aside)[1]
    if flow_place(CALLBACKS, flow) == 1 then
      local items = redis.call('ZCARD', flow_key(CALLBACKS, flow))
      return want(CALLBACKS, math.min(items, flow_room(CALLBACKS, flow), tenant_room(tenant)))
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
  redis.call('HINCRBY', P .. 'lane:' .. lane, 'waiting', 1)
  return redis.call('ZCARD', key) == 1 and flow_place(lane, flow) or 0
end

-- Flows that lose their turn in one call, so that no call holds Redis for long.
local asides_left = 200

-- Takes the flow whose turn it is out of the turns if its tenant is at its cap. Returns whether it did.
local function flow_step_aside(lane, flow)
  if lane ~= CALLBACKS or tenant_room(tenant_of(flow)) > 0 then return false end
  redis.call('ZREM', P .. 'turns:' .. lane, flow)
  redis.call('ZADD', P .. 'aside:' .. tenant_of(flow), 'NX', now_us, flow)
  asides_left = asides_left - 1
  return true
end

-- Takes the first item of the flow whose turn it is. Returns item, flow; nothing if no flow is ready.
local function flow_take(lane)
  local turns = P .. 'turns:' .. lane
  while asides_left > 0 do
    local flow = redis.call('ZRANGE', turns, 0, 0)[1]
    if not flow then return nil end
    if not flow_step_aside(lane, flow) then
      local item = redis.call('ZPOPMIN', flow_key(lane, flow))[1]
      local running = redis.call('HINCRBY', P .. 'running:' .. lane, flow, 1)
      if lane == CALLBACKS then redis.call('HINCRBY', P .. 'tenants:' .. lane, tenant_of(flow), 1) end
      redis.call('HINCRBY', P .. 'lane:' .. lane, 'waiting', -1)
      if running >= flow_cap(lane, flow) or redis.call('EXISTS', flow_key(lane, flow)) == 0 then
        flow_leaves(lane, flow)
      else
        redis.call('ZINCRBY', turns, 1, flow)
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
  if redis.call('HINCRBY', P .. 'running:' .. lane, flow, -1) <= 0 then
    redis.call('HDEL', P .. 'running:' .. lane, flow)
  end
  if flow_cap(lane, flow) < math.huge then want(lane, flow_place(lane, flow)) end
  if lane ~= CALLBACKS then return end
  local tenant = tenant_of(flow)
  if redis.call('HINCRBY', P .. 'tenants:' .. lane, tenant, -1) <= 0 then
    redis.call('HDEL', P .. 'tenants:' .. lane, tenant)
  end
  tenant_wake(tenant)
end

-- Caps of callbacks are others than before: who was at one may not be any more, and the other way round. Only those can be of
-- whom something is under way.
local function caps_changed()
  for _, flow in ipairs(redis.call('HKEYS', P .. 'running:' .. CALLBACKS)) do
    local running = tonumber(redis.call('HGET', P .. 'running:' .. CALLBACKS, flow))
    if running < flow_cap(CALLBACKS, flow) then want(CALLBACKS, flow_place(CALLBACKS, flow)) else flow_leaves(CALLBACKS, flow) end
  end
  for _, tenant in ipairs(redis.call('HKEYS', P .. 'tenants:' .. CALLBACKS)) do tenant_wake(tenant) end
end
