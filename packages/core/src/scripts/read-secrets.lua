#!lua flags=allow-oom
-- uses shard rings
-- Reads the ring of an owner, or those of all. ARGV: kind, owner (all, if there is none). Answers {owner, ring, …}; who
-- has no ring is left out.
local kind = ARGV[1]
local owners = ARGV[2] and { ARGV[2] } or redis.call('HKEYS', rings_key(kind))
local found = {}
for _, owner in ipairs(owners) do
  local lines = ring_of(kind, owner)
  if lines then
    found[#found + 1] = owner
    found[#found + 1] = table.concat(lines, '\n')
  end
end
return answer(found)
