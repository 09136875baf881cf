-- Each claim gives an attempt its token; only the latest may write.

local function holds(id, token)
  local held = redis.call('HMGET', open_key(id), 'status', 'token')
  return held[1] == 'running' and held[2] == token
end

-- The whole record of the attempt that holds this token; nil if it may not write any more.
local function held_record(id, token)
  local record = map_of(redis.call('HGETALL', open_key(id)))
  if record.status == 'running' and record.token == token then return record end
  return nil
end

-- What 'progress' is without word from the handler: the share of finished steps.
local function share_of(done, steps)
  return tonumber(steps) == 0 and 0 or math.floor(100 * done / steps)
end
