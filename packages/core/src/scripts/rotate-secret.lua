#!lua
-- uses shard rings audit
-- Gives an owner a new secret. The one before holds for the overlap longer, an older one is forgotten: never more than two.
-- ARGV: kind, owner, sealed, overlap (ms), and for the trail (audit.lua): tenant, act, who does it. Answers the ring.
local kind, owner, sealed, overlap = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local before = ring_of(kind, owner)
local lines = { ring_line(now, 0, sealed) }
if before and overlap > 0 then
  local created, kept = before[1]:match('^(%d+) %d+ (.+)$')
  lines[2] = ring_line(created, now + overlap, kept)
end
write_ring(kind, owner, lines)
audit(ARGV[5], ARGV[6], ARGV[7])
return answer(table.concat(lines, '\n'))
