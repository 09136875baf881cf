#!lua
-- uses shard rings
-- Replaces a sealed secret by the same one sealed anew, if it is still there. ARGV: kind, owner, sealed before, sealed anew.
-- Answers how many: 0 or 1.
local kind, owner, sealed, anew = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local replaced = 0
local lines = ring_of(kind, owner) or {}
for at, line in ipairs(lines) do
  local created, expires, kept = line:match('^(%d+) (%d+) (.+)$')
  if kept == sealed then
    lines[at] = ring_line(created, expires, anew)
    replaced = 1
  end
end
if replaced == 1 then write_ring(kind, owner, lines) end
return answer(replaced)
