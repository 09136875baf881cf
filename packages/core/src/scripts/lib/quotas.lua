-- Quotas of a tenant, held where tasks are created. `quotas`, as a create is given them: the defaults 'WAITING', of tasks in a lane;
-- 0 = any number. What an operator has set (limits.lua) goes before them.

-- The part of a lane's backlog of which no tenant may take more than it leaves free: whoever fills a lane leaves room for a newcomer.
local KEPT_FOR_FEW = 0.1

-- What the call knows of limits: asked for once.
local known_limits = {}
local function limit_of(tenant, name, default)
  local field = limit_field(tenant, name)
  if not known_limits[field] then known_limits[field] = tonumber(redis.call('HGET', LIMITS, field) or default) end
  return known_limits[field] > 0 and known_limits[field] or math.huge
end

-- Refuses a task more of a tenant that has as many waiting in the lane as it may. `lane`: how many `waiting`, and how many ready
-- `flows`, it has. Returns {'over_quota', 'waiting', how many may wait, how many do, how many the lane has to take before the tenant has
-- room}; nothing if it has room.
local function over_waiting(tenant, lane_name, lane, max_backlog, quotas)
  local most = limit_of(tenant, 'waiting', quotas)
  local free = max_backlog - lane.waiting
  local nearly_full = free <= KEPT_FOR_FEW * max_backlog and free < most
  local own = redis.call('ZCARD', flow_key(lane_name, tenant))
  if own < (nearly_full and free or most) then return nil end
  local turns = math.max(1, lane.flows)
  if not nearly_full then return { 'over_quota', 'waiting', most, own, (own - most + 1) * turns } end
  -- Each that is taken leaves one more free, and in its turn the tenant has one less.
  return { 'over_quota', 'waiting', free, own, math.ceil((own - free + 1) * turns / (turns + 1)) }
end
