-- What every script starts from. KEYS[1] is the shard's prefix, with its hash tag; every key is built from it.
local P = KEYS[1]

-- Formats of what stands in Redis: the newest that this program reads, and the one that it writes. 'format' is the newest in
-- which anything was written here, and never falls. Who does not know it reads and writes nothing. docs/upgrading.md tells
-- when these numbers grow.
local FORMAT_READ, FORMAT_WRITTEN = 1, 1
do
  local format = tonumber(redis.call('GET', P .. 'format') or 0)
  if format > FORMAT_READ then
    return redis.error_reply(
      'NEWER the data in Redis is of format ' .. format .. ', this program knows ' .. FORMAT_READ .. ': upgrade it')
  end
  -- A script that only reads is refused this, and writes nothing that it would tell of.
  if format < FORMAT_WRITTEN then redis.pcall('SET', P .. 'format', FORMAT_WRITTEN) end
end

local clock = redis.call('TIME')
local now_us = clock[1] * 1000000 + clock[2]
local now = math.floor(now_us / 1000)
-- As text: Redis writes out a number argument at length and slowly.
local now_text = string.format('%.0f', now)

-- Jobs that lanes want for what was just put into them: whoever called the script adds them.
local wanted = {}
local function want(lane, jobs)
  if jobs > 0 then wanted[lane] = (wanted[lane] or 0) + jobs end
end

-- Counters of the shard, the hash 'figures', by names of words: what is (stored; tasks OPERATION STATUS), and what has been since
-- the beginning (created, withdrawn, attempts, retries, losses, each with OPERATION; ended OPERATION STATUS REASON; expired age | bytes |
-- quota | deleted; callbacks delivered | failed; callback_attempts). What a script changes of them is written with its answer, once
-- for a whole batch.
local changes_of_figures = {}
local function count(figure, by) changes_of_figures[figure] = (changes_of_figures[figure] or 0) + by end

-- A counter as it is now.
local function figure(name)
  return tonumber(redis.call('HGET', P .. 'figures', name) or 0) + (changes_of_figures[name] or 0)
end

-- What each tenant takes: hash 'stored', 'TENANT open' (bytes of its open tasks) and 'TENANT ended' (of its ended ones and all deliveries,
-- as the figure 'stored' has them), written as figures are. ' since': tasks whose ids are older are not in it; nobody counted them when
-- they were made. All that is of a task is in it, or nothing.
-- Where making room for a tenant stands (quotas.lua): hash 'passed', TENANT -> the order (µs) up to which its tasks were looked at;
-- zset 'late:TENANT', those of them that could not go then, being open or their callbacks tried, and can go now.
-- One table, since Lua has room for 200 names.
local stored = {}
do
  local KEY = P .. 'stored'
  -- What an open task takes besides its head and body: its key and fields, its places in indexes and its flow. What its steps leave
  -- is not in it (docs/decisions/023-quotas.md).
  local OPEN_BYTES = 1200
  -- A process of the release before counts nothing. So long after the first that does they are thought to have gone.
  local OTHERS_GONE_MS = 600000
  local changes = {}
  local since

  function stored.open_bytes(head, body) return OPEN_BYTES + #head + #body end

  function stored.counts(task)
    if since == nil then since = redis.call('HGET', KEY, ' since') end
    return since and task:sub(1, 8) .. task:sub(10, 13) >= since
  end

  -- Tasks are counted from now on: in a new place from the first, else from when those who do not count have gone.
  function stored.count_from_now()
    if since == nil then since = redis.call('HGET', KEY, ' since') end
    if since then return end
    local is_new = redis.call('EXISTS', P .. 'figures') == 0
    since = string.format('%012x', is_new and 0 or now + OTHERS_GONE_MS)
    redis.call('HSET', KEY, ' since', since)
  end

  -- What is of a task ('open'; 'ended': or of its deliveries) takes so many bytes more.
  function stored.charge(tenant, task, kind, bytes)
    if kind == 'ended' then count('stored', bytes) end
    if not stored.counts(task) then return end
    local field = tenant .. ' ' .. kind
    changes[field] = (changes[field] or 0) + bytes
  end

  -- What a tenant takes now.
  function stored.of(tenant, kind)
    local field = tenant .. ' ' .. kind
    return tonumber(redis.call('HGET', KEY, field) or 0) + (changes[field] or 0)
  end

  local PASSED = P .. 'passed'
  local passed, passes = {}, {}
  local was_needed

  function stored.late_key(tenant) return P .. 'late:' .. tenant end

  -- Up to where a tenant's tasks were looked at to make room; false if that was never needed.
  function stored.passed(tenant)
    if was_needed == nil then was_needed = redis.call('EXISTS', PASSED) == 1 end
    if passed[tenant] == nil then passed[tenant] = was_needed and redis.call('HGET', PASSED, tenant) end
    return passed[tenant]
  end

  function stored.pass(tenant, order)
    passed[tenant] = string.format('%.0f', order)
    passes[tenant] = true
  end

  -- A task has ended, or no callback of it is tried any more: it can go, even if it was passed before.
  function stored.can_go(tenant, task)
    local upto = stored.passed(tenant)
    if not upto or redis.call('EXISTS', P .. 'trying:' .. task) == 1 or redis.call('EXISTS', P .. 'done:' .. task) == 0 then return end
    local order = redis.call('ZSCORE', P .. 'index:' .. tenant, task)
    if order and tonumber(order) <= tonumber(upto) then redis.call('ZADD', stored.late_key(tenant), order, task) end
  end

  -- A task of a tenant has left: who has none any more takes nothing, whatever a program of another release has left out.
  function stored.settle(tenant, task)
    if stored.passed(tenant) then redis.call('ZREM', stored.late_key(tenant), task) end
    if redis.call('EXISTS', P .. 'index:' .. tenant) == 1 then return end
    for _, kind in ipairs({ ' open', ' ended' }) do
      changes[tenant .. kind] = nil
      redis.call('HDEL', KEY, tenant .. kind)
    end
    if not stored.passed(tenant) then return end
    passed[tenant], passes[tenant] = false, nil
    redis.call('HDEL', PASSED, tenant)
    redis.call('DEL', stored.late_key(tenant))
  end

  function stored.write()
    for tenant in pairs(passes) do redis.call('HSET', PASSED, tenant, passed[tenant]) end
    for field, by in pairs(changes) do
      if by ~= 0 and redis.call('HINCRBY', KEY, field, string.format('%.0f', by)) <= 0 then redis.call('HDEL', KEY, field) end
    end
  end
end

-- What every script returns: Redis's time, the jobs wanted (lane, number, lane, number, …), and its answer.
local function answer(what)
  for name, by in pairs(changes_of_figures) do
    if by ~= 0 then redis.call('HINCRBY', P .. 'figures', name, string.format('%.0f', by)) end
  end
  stored.write()
  local jobs = {}
  for lane, number in pairs(wanted) do
    jobs[#jobs + 1] = lane
    jobs[#jobs + 1] = number
  end
  return { now, jobs, what }
end
