-- API keys, of which nobody here knows more than a digest. `api-key:ID` is a hash: digest, prefix, tenant, scopes, created, and
-- perhaps expires and used (all ms). `api-keys` is the set of their ids, perhaps of some more that are gone.

local KEY_IDS = P .. 'api-keys'

local function api_key(id) return P .. 'api-key:' .. id end
