-- A lane is fair by flow. Keys: 'lane:L' hash {waiting, slots, fetched, probed}; 'flow:L:F' zset of waiting items;
-- 'running:L' hash flow -> running count; 'turns:L' zset of the ready flows, the next one first.
-- A flow is ready when it has items and is below its cap; only ready flows stand in 'turns'.

-- Tasks whose worker was lost twice run here, one at a time, so that a poison task takes no neighbours with it.
local SUSPECTS = '~suspects'

local function flow_key(lane, flow) return P .. 'flow:' .. lane .. ':' .. flow end

local function flow_cap(flow) return flow == SUSPECTS and 1 or math.huge end

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
  local cap, turns = flow_cap(flow), P .. 'turns:' .. lane
  if cap < math.huge and tonumber(redis.call('HGET', P .. 'running:' .. lane, flow) or 0) >= cap then return 0 end
  if redis.call('EXISTS', flow_key(lane, flow)) == 0 then return 0 end
  local next_turn = redis.call('ZRANGE', turns, 0, 0, 'WITHSCORES')
  if next_turn[1] == flow then return 0 end
  return redis.call('ZADD', turns, 'NX', (next_turn[2] or 0) + 0.5, flow)
end

-- Returns 1 if the flow became ready, else 0: one that had items is where it belongs.
local function flow_push(lane, flow, item, score)
  local key = flow_key(lane, flow)
  redis.call('ZADD', key, score, item)
  redis.call('HINCRBY', P .. 'lane:' .. lane, 'waiting', 1)
  return redis.call('ZCARD', key) == 1 and flow_place(lane, flow) or 0
end

-- Takes the first item of the flow whose turn it is. Returns item, flow; nothing if no flow is ready.
local function flow_take(lane)
  local turns = P .. 'turns:' .. lane
  while true do
    local flow = redis.call('ZRANGE', turns, 0, 0)[1]
    if not flow then return nil end
    local waiting = flow_key(lane, flow)
    local item = redis.call('ZPOPMIN', waiting)[1]
    if item then
      local running = redis.call('HINCRBY', P .. 'running:' .. lane, flow, 1)
      redis.call('HINCRBY', P .. 'lane:' .. lane, 'waiting', -1)
      if running >= flow_cap(flow) or redis.call('EXISTS', waiting) == 0 then
        redis.call('ZREM', turns, flow)
      else
        redis.call('ZINCRBY', turns, 1, flow)
      end
      return item, flow
    end
    redis.call('ZREM', turns, flow)
  end
end

-- Takes an item out of those that wait, if it is there.
local function flow_remove(lane, flow, item)
  if redis.call('ZREM', flow_key(lane, flow), item) == 0 then return end
  redis.call('HINCRBY', P .. 'lane:' .. lane, 'waiting', -1)
  if redis.call('EXISTS', flow_key(lane, flow)) == 0 then redis.call('ZREM', P .. 'turns:' .. lane, flow) end
end

-- An item of the flow no longer runs. Returns 1 if that made a capped flow ready: it wants one more job.
local function flow_release(lane, flow)
  if redis.call('HINCRBY', P .. 'running:' .. lane, flow, -1) <= 0 then
    redis.call('HDEL', P .. 'running:' .. lane, flow)
  end
  if flow_cap(flow) == math.huge then return 0 end
  return flow_place(lane, flow)
end
