-- LOGIN_ASK: may this process log in with an account's Omnitron now? All processes together log in
-- only so often, one at a time, and share what came of it.
--
-- KEYS  prefix
-- ARGV  account, id of the login (random), the seal that is known to be of no use (empty = none),
--       how long one login may take in ms, most logins in a window, the window in ms
-- Returns {what, seal, ms}:
--   shared  what came of somebody's login, good for so many ms more
--   wait    somebody logs in at this moment, for so many ms at most
--   full    the logins of this window are used up: the next may be made in so many ms
--   go      it is counted, and nobody else logs in until login_settle.lua or the time is over
-- A repeat with the same id gets the same answer and counts nothing.
--
-- login:<account> has the fields: times (Redis ms of the logins in the window, oldest first),
-- holder, began, hold_until (the login under way), seal, seal_until.

local account, id, known = ARGV[1], ARGV[2], ARGV[3]
local hold_ms, logins_max, window_ms = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local now = now_ms()
local key = PREFIX .. 'login:' .. account
local record = read_hash('login:' .. account)

local hold_left = (tonumber(record.hold_until) or 0) - now
if record.holder == id and hold_left > 0 then
    return {'go', '', hold_left}
end

local seal_left = (tonumber(record.seal_until) or 0) - now
if record.seal and record.seal ~= known and seal_left > 0 then
    return {'shared', record.seal, seal_left}
end
-- A clock that was set back must not make the others wait for longer than a login takes.
if hold_left > 0 and hold_left <= hold_ms then
    return {'wait', '', hold_left}
end

local times = {}
for word in (record.times or ''):gmatch('%d+') do
    local at = math.min(tonumber(word), now)
    if now - at < window_ms then
        times[#times + 1] = whole(at)
    end
end
if #times >= logins_max then
    return {'full', '', tonumber(times[1]) + window_ms - now}
end
times[#times + 1] = whole(now)
pass_full_memory()
call('HSET', key, 'times', table.concat(times, ' '), 'holder', id, 'began', whole(now),
    'hold_until', whole(now + hold_ms))
call('PEXPIRE', key, whole(math.max(window_ms, seal_left)))
return {'go', '', hold_ms}
