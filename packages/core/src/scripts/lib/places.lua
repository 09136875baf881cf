-- Where a task stands among those that wait.

-- What a lane is beside one of its flows: how many wait, what runs at once as it was last told, and the weights of the ready flows
-- together. Asked for once a script call.
local lanes = {}
local function lane_of(name)
  local lane = lanes[name]
  if not lane then
    local known = redis.call('HMGET', P .. 'lane:' .. name, 'waiting', 'slots')
    lane = { waiting = tonumber(known[1] or 0), slots = tonumber(known[2] or 0), weight = weight_together(name) }
    lanes[name] = lane
  end
  return lane
end

-- How many items of a lane are likely to begin before the one at `rank` of a flow: in as many turns as that takes each flow has
-- its share, and while the flow is at its cap the other slots are for others. More than wait there are not.
local function place_in(name, flow, rank)
  local lane = lane_of(name)
  local begun = math.max(1, lane.weight * flow_turn(name, flow), lane.slots / flow_cap(name, flow))
  return math.min(math.max(0, lane.waiting - 1), math.floor(rank * begun))
end
