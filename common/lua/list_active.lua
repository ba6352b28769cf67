-- LIST_ACTIVE: the status of accounts whose job has not ended, a part at a time. Writes nothing.
--
-- KEYS  prefix
-- ARGV  cursor ("0" at first), about how many
-- Returns JSON text: {"accounts": [rows as in LIST_STATUSES], "next": cursor or null, "total": how
-- many are active}. An account that is active all the time while somebody goes from cursor to cursor
-- is told at least once. A set that Redis keeps in its compact form comes as a whole, up to some 500.

-- A large set may have empty places: look further, but not for ever.
local STEPS_MAX = 10

local active = PREFIX .. 'active'
local cursor, names = ARGV[1], {}
for _ = 1, STEPS_MAX do
    local part = call('SSCAN', active, cursor, 'COUNT', ARGV[2])
    cursor, names = part[1], part[2]
    if #names > 0 or cursor == '0' then
        break
    end
end

local rows = {}
for _, account in ipairs(names) do
    rows[#rows + 1] = compose_status_row(account)
end
return '{"accounts":[' .. table.concat(rows, ',') .. '],"next":'
    .. (cursor == '0' and 'null' or '"' .. cursor .. '"')
    .. ',"total":' .. number(call('SCARD', active)) .. '}'
