-- PROGRESS: shows how far a run is.
--
-- KEYS  prefix
-- ARGV  account, token, has_details (0 or 1), details, then names and values for the status:
--       done, <n>, total, <n>, created, <n> ...
-- Returns ok; lost when the token is not the account's claim: then only `fenced` has changed.

local account, token, has_details, details = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local claim, job = unpack(call('HMGET', PREFIX .. 'ctl:' .. account, 'claim', 'job'))
pass_full_memory()
if not is_claimed_by(claim, token) then
    count('fenced')
    return 'lost'
end
if has_details == '1' then
    call('SET', PREFIX .. 'report:' .. account, details)
end
show(account, job, 'WORKING', 'running', now_ms(), {unpack(ARGV, 5)},
    ',"done":' .. number(ARGV[6]) .. ',"total":' .. number(ARGV[8]))
return 'ok'
