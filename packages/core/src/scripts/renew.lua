#!lua flags=allow-oom
-- uses shard records fencing
-- Renews the leases of a worker's running tasks. ARGV: lease (ms), id, token, id, token, …
-- Returns {now, place…}, 0-based: of those that it does not hold any more. Upholds rule 5 (fencing).
local due = string.format('%.0f', now + tonumber(ARGV[1]))
local reply = { now }
for at = 2, #ARGV, 2 do
  local id = ARGV[at]
  if holds(id, ARGV[at + 1]) then redis.call('ZADD', P .. 'timers', due, 'lease:' .. id)
  else reply[#reply + 1] = (at - 2) / 2 end
end
return reply
