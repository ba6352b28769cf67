-- REPORT: the report of the account's job, else of its last. Writes nothing.
--
-- KEYS  prefix
-- ARGV  account
-- Returns JSON text, or nil when no job is remembered.

local account = ARGV[1]
local status = read_hash('status:' .. account)
if not status.job then
    return call('LINDEX', PREFIX .. 'history:' .. account, 0)
end
return compose_report(account, status, read_hash('ctl:' .. account),
    call('GET', PREFIX .. 'report:' .. account))
