-- TYPES: names the keys of the namespace that are not of the type that they should be, because
-- another hand made them. Redis's own error (WRONGTYPE) does not say which key it met.
--
-- KEYS  prefix
-- ARGV  where the last call stopped (0 = at the beginning), keys to look at
-- Returns {where it stopped, key, type, expected type, key ...}, at most FOUND_MAX keys. Writes
-- nothing.

local FOUND_MAX, STEP = 20, 1000
local TYPES = {queue = 'list', delayed = 'zset', workers = 'zset', active = 'set', dead = 'list',
    totals = 'hash', aborting = 'set', audit = 'hash', clock = 'string', watch = 'hash',
    looked = 'string', processing = 'list', worker = 'hash', status = 'hash', ctl = 'hash',
    report = 'string', history = 'list', login = 'hash'}

local cursor, left = ARGV[1], tonumber(ARGV[2])
local answer = {''}
repeat
    local page = call('SCAN', cursor, 'MATCH', PREFIX .. '*', 'COUNT', STEP)
    cursor, left = page[1], left - STEP
    for _, key in ipairs(page[2]) do
        local expected = TYPES[key:sub(#PREFIX + 1):match('^[^:]*')]
        local found = call('TYPE', key).ok
        if expected and found ~= expected and found ~= 'none' and #answer < 3 * FOUND_MAX then
            for _, word in ipairs({key:sub(1, 200), found, expected}) do
                answer[#answer + 1] = word
            end
        end
    end
until cursor == '0' or left <= 0
answer[1] = cursor
return answer
