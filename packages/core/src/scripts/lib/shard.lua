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
-- deleted; callbacks delivered | failed; callback_attempts). What a script changes of them is written with its answer, once
-- for a whole batch.
local changes_of_figures = {}
local function count(figure, by) changes_of_figures[figure] = (changes_of_figures[figure] or 0) + by end

-- A counter as it is now.
local function figure(name)
  return tonumber(redis.call('HGET', P .. 'figures', name) or 0) + (changes_of_figures[name] or 0)
end

-- What every script returns: Redis's time, the jobs wanted (lane, number, lane, number, …), and its answer.
local function answer(what)
  for name, by in pairs(changes_of_figures) do
    if by ~= 0 then redis.call('HINCRBY', P .. 'figures', name, string.format('%.0f', by)) end
  end
  local jobs = {}
  for lane, number in pairs(wanted) do
    jobs[#jobs + 1] = lane
    jobs[#jobs + 1] = number
  end
  return { now, jobs, what }
end
