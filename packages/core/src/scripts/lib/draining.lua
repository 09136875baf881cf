-- How fast a lane really drains: what leaves those that wait there while others wait behind it. `drained` in 'lane:L' has stretches
-- of time, 'began left' of each, the latest first: when it began (ms) and how many tasks left from then on until the next
-- one begins. A stretch begins as a task leaves and lasts for at least STRETCH_MS, so that all together are some seconds
-- of a quick lane, and some tasks of a slow one. A lane in which nothing waits has none.
local STRETCH_MS, STRETCHES = 1000, 16
local OTHERS = ('%d+ %d+ '):rep(STRETCHES - 1)

-- So many tasks have left a lane that do not count among those that come back.
local function note_drain(lane, left)
  local key = P .. 'lane:' .. lane
  local known = redis.call('HMGET', key, 'waiting', 'drained')
  local drained = known[2] or ''
  if tonumber(known[1] or 0) <= 0 then
    if drained ~= '' then redis.call('HDEL', key, 'drained') end
    return
  end
  if left == 0 then return end
  local began, before, others = drained:match('^(%d+) (%d+)(.*)$')
  local age = began and now - tonumber(began) or -1
  -- A clock that was set back: what was noted by it tells nothing.
  if age < 0 then drained = string.format('%s %d', now_text, left)
  elseif age < STRETCH_MS then drained = string.format('%s %d%s', began, before + left, others)
  else
    drained = (drained .. ' '):match('^' .. OTHERS) or drained .. ' '
    drained = string.format('%s %d %s', now_text, left, drained):sub(1, -2)
  end
  redis.call('HSET', key, 'drained', drained)
end
