-- A lane is fair by flow. Keys: 'lane:L' hash {waiting, running, vtime}; 'flow:L:F' zset of waiting items;
-- 'running:L' hash flow -> running count; 'turns:L' zset of the ready flows, scored by virtual time.
-- A flow is ready when it has items and is below its cap; only ready flows stand in 'turns'.

-- Tasks whose worker was lost twice run here, one at a time, so that a poison task takes no neighbours with it.
local SUSPECTS = '~suspects'

local function flow_key(lane, flow) return P .. 'flow:' .. lane .. ':' .. flow end

local function flow_cap(flow) return flow == SUSPECTS and 1 or math.huge end

-- Puts a flow among the turns if it is ready and not there. It enters one round after the current turn, so a
-- flow that empties and refills cannot overtake those that wait. Returns 1 if it became ready, else 0.
local function flow_place(lane, flow)
  local cap = flow_cap(flow)
  if cap < math.huge and tonumber(redis.call('HGET', P .. 'running:' .. lane, flow) or 0) >= cap then return 0 end
  if redis.call('EXISTS', flow_key(lane, flow)) == 0 then return 0 end
  local vtime = tonumber(redis.call('HGET', P .. 'lane:' .. lane, 'vtime') or 0)
  return redis.call('ZADD', P .. 'turns:' .. lane, 'NX', vtime + 1, flow)
end

local function flow_push(lane, flow, item, score)
  redis.call('ZADD', flow_key(lane, flow), score, item)
  redis.call('HINCRBY', P .. 'lane:' .. lane, 'waiting', 1)
  flow_place(lane, flow)
end

-- Takes the first item of the flow whose turn it is. Returns item, flow; nothing if no flow is ready.
local function flow_take(lane)
  local turns = P .. 'turns:' .. lane
  while true do
    local first = redis.call('ZRANGE', turns, 0, 0, 'WITHSCORES')
    local flow, vtime = first[1], first[2]
    if not flow then return nil end
    local item = redis.call('ZPOPMIN', flow_key(lane, flow))[1]
    if item then
      local running = redis.call('HINCRBY', P .. 'running:' .. lane, flow, 1)
      redis.call('HSET', P .. 'lane:' .. lane, 'vtime', vtime)
      redis.call('HINCRBY', P .. 'lane:' .. lane, 'waiting', -1)
      redis.call('HINCRBY', P .. 'lane:' .. lane, 'running', 1)
      if running >= flow_cap(flow) or redis.call('EXISTS', flow_key(lane, flow)) == 0 then
        redis.call('ZREM', turns, flow)
      else
        redis.call('ZADD', turns, tonumber(vtime) + 1, flow)
      end
      return item, flow
    end
    redis.call('ZREM', turns, flow)
  end
end

-- An item of the flow no longer runs. Returns 1 if that made a capped flow ready: it wants one more job.
local function flow_release(lane, flow)
  if redis.call('HINCRBY', P .. 'running:' .. lane, flow, -1) <= 0 then
    redis.call('HDEL', P .. 'running:' .. lane, flow)
  end
  redis.call('HINCRBY', P .. 'lane:' .. lane, 'running', -1)
  return flow_place(lane, flow)
end
