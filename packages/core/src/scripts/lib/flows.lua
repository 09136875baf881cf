-- A lane is fair by flow. Keys: 'lane:L' hash {waiting, slots, cap, turn, fetched, probed, drained, spent}; 'flow:L:F' zset of
-- waiting items; 'running:L' hash flow -> running count; 'turns:L' zset of flows, the one whose turn is next first; 'served:L' zset of
-- flows that left the turns, by the place up to which they have had their share; 'held:L' zset of flows that have items and are at
-- their cap, by when that was last looked at (ms).
-- A flow is ready when it has items and is below its cap; all ready flows stand in 'turns'. In a lane of tasks all others that have
-- items stand in 'held', but for one that came to its cap by its last turn: it is held only if it is at its cap still when its next one
-- comes. Most are not, and so have neither to be taken out nor put back.

-- Tasks whose worker was lost twice run here, one at a time, so that a poison task takes no neighbours with it.
local SUSPECTS = '~suspects'

-- Jobs that are enough for a lane whose slots are not known.
local LEAST_JOBS = 100

local function flow_key(lane, flow) return P .. 'flow:' .. lane .. ':' .. flow end

local function flow_cap(lane, flow)
  if flow == SUSPECTS then return 1 end
  if lane ~= CALLBACKS then return limits_set(flow).cap or lane_cap(lane) end
  return math.min(endpoint_cap(), tonumber(redis.call('HGET', endpoint_key(flow), 'cap') or math.huge))
end

-- How far back its turn takes a flow.
local function flow_turn(lane, flow) return lane == CALLBACKS and 1 or 1 / limits_set(flow).weight end

-- How many more items of a flow may run.
local function flow_room(lane, flow)
  local cap = flow_cap(lane, flow)
  if cap == math.huge then return cap end
  return cap - tonumber(redis.call('HGET', P .. 'running:' .. lane, flow) or 0)
end

-- How many of those that wait in a flow its own cap lets through.
local function flow_openings(lane, flow)
  return math.max(0, math.min(redis.call('ZCARD', flow_key(lane, flow)), flow_room(lane, flow)))
end

-- Whether its own cap lets through all that wait in a flow, and so what was put into it last.
local function flow_lets_in(lane, flow)
  local room = flow_room(lane, flow)
  return room == math.huge or redis.call('ZCARD', flow_key(lane, flow)) <= room
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

-- What a cap keeps out spends the jobs that come for it, and from then on what waits in the lane tells nothing of those that are there.
-- 'spent' of the lane is there from then on until a task comes to find it empty: how many jobs were wanted since a claim last found
-- nothing to run. So many there are at least. Asked for once a script call; false if it is not there.
local jobs_wanted_in = {}
local function jobs_wanted(lane)
  if jobs_wanted_in[lane] == nil then jobs_wanted_in[lane] = tonumber(redis.call('HGET', P .. 'lane:' .. lane, 'spent') or nil) or false end
  return jobs_wanted_in[lane]
end

local function set_jobs_wanted(lane, jobs)
  jobs_wanted_in[lane] = jobs
  if jobs then redis.call('HSET', P .. 'lane:' .. lane, 'spent', jobs) else redis.call('HDEL', P .. 'lane:' .. lane, 'spent') end
end

local flow_held, flow_enters, turn_had, turns_noted, turns_at, turns_kept_as_tree
do
  -- How far behind the first a flow enters: less than any turn takes. A power of two, since Redis writes out other fractions slowly.
  local ENTRY_LAG = 2 ^ -11
  -- Redis keeps a short sorted set as a list, and there goes by all scores of a hundred flows for each turn: ten times what the tree
  -- costs as which it keeps one that has had a member as long as this since it was read from disk.
  local AS_TREE = ('~'):rep(65)

  -- A flow that has items is at its cap: it has no turn until something of it is over, or its cap is another.
  function flow_held(lane, flow)
    redis.call('ZREM', P .. 'turns:' .. lane, flow)
    redis.call('ZADD', P .. 'held:' .. lane, now_text, flow)
    if not jobs_wanted(lane) then set_jobs_wanted(lane, 0) end
  end

  -- Places of the last turns of lanes, by this call.
  local last_turns = {}
  function turn_had(lane, at)
    if lane ~= CALLBACKS and are_limits_set() then last_turns[lane] = at end
  end

  -- Writes those down, once for a whole batch.
  function turns_noted()
    for lane, at in pairs(last_turns) do redis.call('HSET', P .. 'lane:' .. lane, 'turn', at) end
  end

  -- How far the turns of a lane are whose first flow stands at `first`. By weights that may be far ahead of the one that had its turn
  -- last, `turn` of the lane; which tells nothing if the turns were empty since, or others had theirs by an older program.
  function turns_at(lane, first)
    if lane == CALLBACKS or not are_limits_set() then return first end
    local turn = tonumber(last_turns[lane] or redis.call('HGET', P .. 'lane:' .. lane, 'turn') or first)
    return math.max(first - 1 / LEAST_WEIGHT, math.min(turn, first))
  end

  -- Where a flow enters: right behind the one whose turn it is, before any that had its turn, so that a newcomer waits for one item of
  -- each flow at most; but not before the place up to which it has had its share, so that one which empties and refills has no more
  -- than that. That is at most its own turn away: what is farther is from before the turns were empty.
  local function entry_place(lane, flow, first)
    local at = turns_at(lane, first)
    local served = tonumber(redis.call('ZSCORE', P .. 'served:' .. lane, flow) or at)
    return math.min(math.max(at + ENTRY_LAG, served), at + flow_turn(lane, flow))
  end

  -- A flow has turns, if it has none yet. Returns 1 if it had none, else 0.
  function flow_enters(lane, flow)
    local turns = P .. 'turns:' .. lane
    local first = redis.call('ZRANGE', turns, 0, 0, 'WITHSCORES')
    if first[1] == flow then return 0 end
    if first[1] then return redis.call('ZADD', turns, 'NX', entry_place(lane, flow, tonumber(first[2])), flow) end
    redis.call('ZADD', turns, '0', flow)
    turns_kept_as_tree(lane)
    return 1
  end

  -- The turns of a lane, which has some, are such a tree from now on.
  function turns_kept_as_tree(lane)
    redis.call('ZADD', P .. 'turns:' .. lane, '0', AS_TREE)
    redis.call('ZREM', P .. 'turns:' .. lane, AS_TREE)
  end
end

-- Puts a flow among the turns if it is ready and not there. Returns 1 if it became ready, else 0.
local function flow_place(lane, flow)
  local room = flow_room(lane, flow)
  if redis.call('EXISTS', flow_key(lane, flow)) == 0 then return 0 end
  if room <= 0 then
    if lane ~= CALLBACKS then flow_held(lane, flow) end
    return 0
  end
  return flow_enters(lane, flow)
end

-- A flow that stood out of the turns may be ready: as many jobs are wanted as it can use beyond those that are `there`, or are
-- enough for the lane.
local function flow_returns(lane, flow, there)
  if flow_place(lane, flow) == 0 then return end
  local openings = flow_openings(lane, flow) - there
  if openings <= 0 then return end
  local slots = tonumber(redis.call('HGET', P .. 'lane:' .. lane, 'slots') or 0)
  want(lane, math.min(openings, math.max(slots, LEAST_JOBS)))
end

-- If a tenant has room, the first of its flows that stood aside and is ready has its turn again; and the first of its slow ones if
-- those have room, too.
local function tenant_wake(tenant)
  for _, group in ipairs({ tenant, slow_of(tenant) }) do
    local aside, woken = P .. 'aside:' .. group, 0
    while woken == 0 and redis.call('EXISTS', aside) == 1 and group_room(tenant) > 0 and group_room(group) > 0 do
      local flow = redis.call('ZPOPMIN', aside)[1]
      woken = flow_place(CALLBACKS, flow)
      if woken == 1 then want(CALLBACKS, math.min(flow_openings(CALLBACKS, flow), group_room(tenant), group_room(group))) end
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

local flow_take
do
  -- Flows that lose their turn in one call, so that no call holds Redis for long.
  local asides_left = 200

  -- Takes the flow whose turn it is out of the turns if a group of it is at its cap. Returns whether it did.
  local function steps_aside(flow)
    local group = full_group(flow)
    if not group then return false end
    local is_new = group ~= tenant_of(flow) and redis.call('HEXISTS', endpoint_key(flow), 'recent') == 0
    redis.call('ZADD', P .. 'aside:' .. group, 'NX', string.format('%.0f', now_us - (is_new and NEW_AHEAD_US or 0)), flow)
    flow_leaves(CALLBACKS, flow)
    return true
  end

  -- One item more runs of the flow whose turn it is. Returns how many then do; nothing if it has lost its turn instead. Then others have
  -- theirs, and by that it has had its share when it comes back.
  local function runs_one_more(lane, flow)
    local counts = P .. 'running:' .. lane
    if lane == CALLBACKS then
      if steps_aside(flow) then return nil end
      groups_count(flow, 1)
      return redis.call('HINCRBY', counts, flow, '1')
    end
    local running = redis.call('HINCRBY', counts, flow, '1')
    if running <= flow_cap(lane, flow) then return running end
    redis.call('HINCRBY', counts, flow, '-1')
    flow_held(lane, flow)
  end

  -- The flow whose turn it is has had an item of it taken: it goes its turn back, or leaves. That it has had its share is
  -- remembered as long as others wait.
  local function flow_served(lane, flow, running, at, is_alone)
    local turn = flow_turn(lane, flow)
    turn_had(lane, at)
    local goes_on = redis.call('EXISTS', flow_key(lane, flow)) == 1 and (lane ~= CALLBACKS or running < flow_cap(lane, flow))
    if goes_on then return redis.call('ZINCRBY', P .. 'turns:' .. lane, turn, flow) end
    if not is_alone then redis.call('ZADD', P .. 'served:' .. lane, at + turn, flow) end
    flow_leaves(lane, flow)
  end

  -- Takes the first item of the flow whose turn it is. Returns item, flow; nothing if no flow is ready.
  function flow_take(lane)
    local turns = P .. 'turns:' .. lane
    while asides_left > 0 do
      local first = redis.call('ZRANGE', turns, '0', '1', 'WITHSCORES')
      local flow = first[1]
      if not flow then return nil end
      local running = runs_one_more(lane, flow)
      if running then
        local item = redis.call('ZPOPMIN', flow_key(lane, flow))[1]
        redis.call('HINCRBY', P .. 'lane:' .. lane, 'waiting', '-1')
        flow_served(lane, flow, running, first[2], first[3] == nil)
        return item, flow
      end
      asides_left = asides_left - 1
    end
    -- The rest is for another call.
    want(lane, 1)
  end
end

-- Takes an item out of those that wait, if it is there.
local function flow_remove(lane, flow, item)
  if redis.call('ZREM', flow_key(lane, flow), item) == 0 then return end
  redis.call('HINCRBY', P .. 'lane:' .. lane, 'waiting', -1)
  if redis.call('EXISTS', flow_key(lane, flow)) == 1 then return end
  -- Who takes back what waits gains nothing by it, while others wait.
  local turns = P .. 'turns:' .. lane
  local at = redis.call('ZCARD', turns) > 1 and redis.call('ZSCORE', turns, flow)
  if at then redis.call('ZADD', P .. 'served:' .. lane, at, flow) end
  redis.call('ZREM', P .. 'held:' .. lane, flow)
  flow_leaves(lane, flow)
end

-- An item of the flow no longer runs. Whoever had it takes another, so that the room which it leaves wants no job. A program that knows
-- none of caps leaves suspects out of the turns and of those that are held.
local function flow_release(lane, flow)
  if redis.call('HINCRBY', P .. 'running:' .. lane, flow, '-1') <= 0 then redis.call('HDEL', P .. 'running:' .. lane, flow) end
  if lane == CALLBACKS then
    groups_count(flow, -1)
    -- Those that stood aside go before it.
    tenant_wake(tenant_of(flow))
    flow_returns(lane, flow, 0)
  elseif redis.call('ZREM', P .. 'held:' .. lane, flow) == 1 or flow == SUSPECTS then
    flow_returns(lane, flow, 1)
  end
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

-- How many items of a lane could be taken now, by the first flows that have room, of at most some thousand that have turns.
local function lane_claimable(lane)
  local AT_ONCE, MOST = 100, 2000
  for from = 0, MOST - AT_ONCE, AT_ONCE do
    local flows = redis.call('ZRANGE', P .. 'turns:' .. lane, from, from + AT_ONCE - 1)
    local claimable = 0
    for _, flow in ipairs(flows) do claimable = claimable + flow_openings(lane, flow) end
    if claimable > 0 or #flows < AT_ONCE then return claimable end
  end
  return 0
end

-- Looks after a lane: of the flows that are held, the 50 that were not looked at for longest. They have room when their cap was
-- raised, or the end of what ran was written by a program that knows none of caps. And forgets what shares are past.
local function turns_tended(lane)
  local held = P .. 'held:' .. lane
  for _, flow in ipairs(redis.call('ZRANGE', held, 0, 49)) do
    if redis.call('EXISTS', flow_key(lane, flow)) == 0 then redis.call('ZREM', held, flow)
    elseif flow_room(lane, flow) > 0 then
      redis.call('ZREM', held, flow)
      flow_returns(lane, flow, 0)
    else redis.call('ZADD', held, now_text, flow) end
  end
  local first = redis.call('ZRANGE', P .. 'turns:' .. lane, 0, 0, 'WITHSCORES')
  redis.call('ZREMRANGEBYSCORE', P .. 'served:' .. lane, '-inf', first[2] and turns_at(lane, tonumber(first[2])) or '+inf')
end

-- Lets all flows that are held have turns, as if they had room: if only programs are left that know none of caps, nobody else
-- would; any other holds them again when their turn comes.
local function held_let_go(lane)
  local held = P .. 'held:' .. lane
  for _, flow in ipairs(redis.call('ZRANGE', held, 0, -1)) do
    if redis.call('EXISTS', flow_key(lane, flow)) == 1 then flow_enters(lane, flow) end
  end
  redis.call('DEL', held)
end
