-- A tenant's share of a lane, by what operators have set (limits.lua): 'running' is how many of its tasks may run at once in a lane
-- (0 = as many as there are slots), 'weight' its share beside that of others, which have 1. `cap` of the lane is what holds for
-- all of whom no 'running' is set. What is no number within these counts as not set.
local LEAST_WEIGHT, MOST_WEIGHT = 1, 1000

-- Blocks hide what is theirs alone: a script has at most 200 locals at once.
local are_limits_set, limits_set, lane_cap, weight_together
do
  local function number_in(text, least, most)
    local number = tonumber(text or nil)
    return number and number >= least and number <= most and number or nil
  end

  local function cap_in(text)
    local cap = number_in(text, 0, math.huge)
    return cap == 0 and math.huge or cap
  end

  local function weight_in(text) return number_in(text, LEAST_WEIGHT, MOST_WEIGHT) or 1 end

  -- Each is asked for once a script call.
  local there
  function are_limits_set()
    if there == nil then there = redis.call('EXISTS', LIMITS) == 1 end
    return there
  end

  local NOTHING_SET = { weight = 1 }
  local tenants = {}
  function limits_set(tenant)
    if not are_limits_set() then return NOTHING_SET end
    if not tenants[tenant] then
      local set = redis.call('HMGET', LIMITS, limit_field(tenant, 'running'), limit_field(tenant, 'weight'))
      tenants[tenant] = { cap = cap_in(set[1]), weight = weight_in(set[2]) }
    end
    return tenants[tenant]
  end

  local lanes = {}
  function lane_cap(lane)
    lanes[lane] = lanes[lane] or cap_in(redis.call('HGET', P .. 'lane:' .. lane, 'cap')) or math.huge
    return lanes[lane]
  end

  -- The weights of the flows that have turns in a lane together, by the first 100.
  function weight_together(lane)
    local flows = redis.call('ZCARD', P .. 'turns:' .. lane)
    if flows == 0 or not are_limits_set() then return flows end
    local fields, weight = redis.call('ZRANGE', P .. 'turns:' .. lane, 0, 99), 0
    for at, flow in ipairs(fields) do fields[at] = limit_field(flow, 'weight') end
    for _, set in ipairs(redis.call('HMGET', LIMITS, unpack(fields))) do weight = weight + weight_in(set) end
    return weight * flows / #fields
  end
end
