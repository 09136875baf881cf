#!lua
-- uses shard rings
-- Gives an owner its first secret, unless it has one: of those who come at once all get the same. ARGV: kind, owner, sealed.
-- Answers the ring.
local kind, owner, sealed = ARGV[1], ARGV[2], ARGV[3]
local lines = ring_of(kind, owner)
if not lines then
  lines = { ring_line(now, 0, sealed) }
  write_ring(kind, owner, lines)
end
return answer(table.concat(lines, '\n'))
