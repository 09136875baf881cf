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

local function endpoint_key(flow) return P .. 'endpoint:' .. flow end

local function endpoint_cap() return tonumber(redis.call('HGET', P .. 'lane:' .. CALLBACKS, 'cap') or ENDPOINT_CAP) end

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
