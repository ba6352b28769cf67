-- TAKE_BACK_OWN: takes back what lies in a worker's list without the worker knowing of it, because
-- the reply to its pop was lost.
--
-- KEYS  prefix
-- ARGV  worker, the tokens of its runs joined by spaces, seconds that an ended status is remembered
-- Returns how many were moved.

local worker, tokens, ttl_s = ARGV[1], ARGV[2], ARGV[3]

-- Every element is looked at: as many elements as runs prove nothing, since the answer to a run's
-- end may still be on its way to the worker.
local known = {}
for token in tokens:gmatch('%S+') do
    known[token] = true
end
local policy = {now = now_ms(), is_death = false, ttl_s = ttl_s}
local moved = 0
local function look_at(element)
    local account, id = parse_element(element)
    local job, claim = unpack(account and call('HMGET', PREFIX .. 'ctl:' .. account, 'job', 'claim') or {})
    if not (job == id and known[claim]) and take_back(worker, element, policy) then
        moved = moved + 1
    end
end
for _, element in ipairs(call('LRANGE', PREFIX .. 'processing:' .. worker, 0, -1)) do
    pcall(look_at, element) -- one that another hand has spoilt stays, and keeps nothing else from it
end
return moved
