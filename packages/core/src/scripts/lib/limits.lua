-- What operators have set for tenants: hash 'limits', 'TENANT NAME' -> number. NAME is requests (a second), waiting and running (tasks in
-- a lane), stored (bytes) or weight. What is not there is the default.
local LIMITS = P .. 'limits'

local function limit_field(tenant, name) return tenant .. ' ' .. name end
