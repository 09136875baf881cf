-- How receivers fare, each by its endpoint: the flow 'TENANT ORIGIN'. Keys: 'endpoint:FLOW' hash {pending (deliveries that are
-- tried; none = 0), recent (of its last attempts: 1 for a delivery, 0), failures (in a row), since (ms: it has not answered
-- from then on), cap (while it is not well: 0 = it is let alone until its probe; else how many at once are tried), pause (ms,
-- the last one), probe (ms: when it is probed), quick (there unless it is slow: so many slow attempts in a row make it so),
-- error_at, error (the last)}; 'endpoints:TENANT' zset of its flows by their last use.

-- So many failures in a row say that a receiver is not well.
local BREAK_AFTER = 5
local LONGEST_PAUSE_MS = 60000
local RECENT_ATTEMPTS = 100
-- An attempt that takes as long is slow; so many in a row, and so is its endpoint. A quick one, and it is not.
local QUICK_MS = 1000
local SLOW_AFTER = 2

-- More of what waits may run.
local function let_in(flow)
  flow_place(CALLBACKS, flow)
  want(CALLBACKS, flow_openings(CALLBACKS, flow))
end

-- Its receiver answers: what was shut opens, twice as wide with each answer.
local function endpoint_answers(flow, key)
  redis.call('HSET', key, 'failures', '0')
  local cap = tonumber(redis.call('HGET', key, 'cap') or nil)
  if not cap then return end
  if cap == 0 then redis.call('ZREM', P .. 'timers', 'probe:' .. flow) end
  cap = math.max(1, 2 * cap)
  if cap >= endpoint_cap() then redis.call('HDEL', key, 'cap', 'pause', 'probe')
  else
    redis.call('HSET', key, 'cap', cap)
    redis.call('HDEL', key, 'probe')
  end
  let_in(flow)
end

-- Its receiver does not answer, or not as one that is well: after some of this it is let alone for a while, then probed by
-- one delivery; each failed probe doubles the while. Returns whether it was let alone just now.
local function endpoint_ill(flow, key, first_pause)
  local failures = redis.call('HINCRBY', key, 'failures', 1)
  redis.call('HSETNX', key, 'since', now_text)
  local known = redis.call('HMGET', key, 'cap', 'pause')
  if failures < BREAK_AFTER or known[1] == '0' then return false end
  local pause = math.min(LONGEST_PAUSE_MS, known[2] and 2 * known[2] or first_pause)
  local probe = timestamp(now + pause)
  redis.call('HSET', key, 'cap', '0', 'pause', timestamp(pause), 'probe', probe)
  redis.call('ZADD', P .. 'timers', probe, 'probe:' .. flow)
  flow_leaves(CALLBACKS, flow)
  return true
end

-- An attempt at an endpoint has taken so long (ms): what is under way there may count otherwise from now on.
local function endpoint_took(flow, key, took)
  local was_slow = is_slow(flow)
  if took < QUICK_MS then redis.call('HSET', key, 'quick', SLOW_AFTER)
  elseif not was_slow and redis.call('HINCRBY', key, 'quick', -1) == 0 then redis.call('HDEL', key, 'quick') end
  if is_slow(flow) == was_slow then return end
  local tenant = tenant_of(flow)
  local running = tonumber(redis.call('HGET', P .. 'running:' .. CALLBACKS, flow) or 0)
  group_counts(slow_of(tenant), was_slow and -running or running)
  if not was_slow then return end
  -- It makes room for as many slow ones, and needs none of theirs.
  redis.call('ZREM', P .. 'aside:' .. slow_of(tenant), flow)
  let_in(flow)
  want(CALLBACKS, running)
  tenant_wake(tenant)
end

-- An attempt at an endpoint is over. health: 'well' | 'ill' | 'so_so' (it answers, if not as it should); took: ms.
-- Returns whether it is let alone from now on.
local function endpoint_tried(flow, health, took, error, first_pause)
  local key = endpoint_key(flow)
  local recent = (redis.call('HGET', key, 'recent') or '') .. (health == 'well' and '1' or '0')
  redis.call('HSET', key, 'recent', recent:sub(-RECENT_ATTEMPTS))
  if error ~= '' then redis.call('HSET', key, 'error_at', now_text, 'error', error) end
  if redis.call('HEXISTS', key, 'pending') == 0 then redis.call('PEXPIRE', key, ENDPOINT_KEPT_MS) end
  endpoint_used(flow)
  endpoint_took(flow, key, took)
  if health == 'ill' then return endpoint_ill(flow, key, first_pause) end
  redis.call('HDEL', key, 'since')
  endpoint_answers(flow, key)
  return false
end

-- The while is over.
local function endpoint_probe(flow)
  redis.call('ZREM', P .. 'timers', 'probe:' .. flow)
  redis.call('HSET', endpoint_key(flow), 'cap', '1')
  redis.call('HDEL', endpoint_key(flow), 'probe')
  let_in(flow)
end
