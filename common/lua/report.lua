-- REPORT: the report of the account's job, else of its last. Writes nothing.
--
-- KEYS  prefix
-- ARGV  account
-- Returns JSON text, or nil when no job is remembered.

local account = ARGV[1]
local status = read_hash('status:' .. account)
if status.state ~= 'WORKING' then
    local last = call('LINDEX', PREFIX .. 'history:' .. account, 0)
    if last or not status.job then
        return last
    end
end
return compose_report(account, status, read_hash('ctl:' .. account),
    call('GET', PREFIX .. 'report:' .. account))
