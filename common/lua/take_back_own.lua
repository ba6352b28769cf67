-- TAKE_BACK_OWN: takes back what lies in a worker's list without the worker knowing of it, because
-- the reply to its pop was lost.
--
-- KEYS  prefix
-- ARGV  worker, number of its runs, their tokens joined by spaces, seconds that an ended status is
--       remembered
-- Returns how many were moved.

local worker, runs, ttl_s = ARGV[1], tonumber(ARGV[2]), ARGV[4]
local processing = PREFIX .. 'processing:' .. worker
if call('LLEN', processing) <= runs then
    return 0
end

local known = {}
for token in ARGV[3]:gmatch('%S+') do
    known[token] = true
end
local policy = {now = now_ms(), is_death = false, ttl_s = ttl_s}
local moved = 0
for _, element in ipairs(call('LRANGE', processing, 0, -1)) do
    local account = parse_element(element)
    local claim, elem
    if account then
        claim, elem = unpack(call('HMGET', PREFIX .. 'ctl:' .. account, 'claim', 'elem'))
    end
    if not (elem == element and known[claim]) and take_back(worker, element, policy) then
        moved = moved + 1
    end
end
return moved
