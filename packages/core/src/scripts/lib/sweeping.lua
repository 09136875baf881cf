-- Ended records go: when their time is over, or before that, the eldest first, while the shard holds more than it may.

-- Takes up to `most` of a minute's list and hands those of which there is a record on, with it. Returns how many it took.
local function sweep_list(minute, most, hand_on)
  local key = P .. 'expire:' .. minute
  local ids = redis.call('LPOP', key, most) or {}
  for _, id in ipairs(ids) do
    local flat = done_record_slim(id)
    if flat then hand_on(id, map_of(flat)) end
  end
  if redis.call('EXISTS', key) == 0 then redis.call('ZREM', P .. 'expiring', minute) end
  return #ids
end

-- The eldest minute that is over, if it has a list.
local function minute_over() return redis.call('ZRANGE', P .. 'expiring', '-inf', math.floor(now / 60000), 'BYSCORE', 'LIMIT', 0, 1)[1] end

-- A minute is over. Returns how many were looked at, at most `most`.
local function expire(minute, most, retention, tombstone_ms)
  return sweep_list(minute, most, function(id, record)
    -- What is kept for longer than it was said stands in a later list, too.
    if tonumber(record.expires) > now then return end
    if expired(id, record) then bury(id, record, tombstone_ms, 'age') else keep_until(id, now + retention) end
  end)
end

-- Ended records go before their time, the eldest first, until `stored` is not above `max_bytes`; none whose callbacks are still
-- tried. Returns how many were looked at, at most `most`, and how many went.
local function make_room(max_bytes, most, tombstone_ms)
  local looked, gone = 0, 0
  while looked < most and figure('stored') > max_bytes do
    local minute = redis.call('ZRANGE', P .. 'expiring', 0, 0)[1]
    if not minute then break end
    looked = looked + sweep_list(minute, 1, function(id, record)
      if tonumber(expiry_list(record.expires)) > tonumber(minute) then return end
      if redis.call('EXISTS', P .. 'trying:' .. id) == 1 then
        redis.call('SADD', P .. 'withheld', id)
      else
        bury(id, record, tombstone_ms, 'bytes')
        gone = gone + 1
      end
    end)
  end
  return looked, gone
end
