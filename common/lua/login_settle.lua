-- LOGIN_SETTLE: what came of a login that login_ask.lua let go.
--
-- KEYS  prefix
-- ARGV  account, id of the login, is_counted (0: it got no answer, and uses up nothing), seal (empty =
--       there is nothing to share), how long the seal is good in ms, the window in ms
-- Returns ok; late when the time of this login was over and another may have begun: then nothing has
-- changed.

local account, id, is_counted, seal = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local seal_ms, window_ms = tonumber(ARGV[5]), tonumber(ARGV[6])
local now = now_ms()
local key = PREFIX .. 'login:' .. account
local record = read_hash('login:' .. account)

if record.holder ~= id then
    return 'late'
end
call('HDEL', key, 'holder', 'hold_until', 'began')
if is_counted == '0' then
    local times, is_taken = {}, false
    for word in (record.times or ''):gmatch('%d+') do
        if word == record.began and not is_taken then
            is_taken = true
        else
            times[#times + 1] = word
        end
    end
    call('HSET', key, 'times', table.concat(times, ' '))
end
local seal_left = (tonumber(record.seal_until) or 0) - now
if seal ~= '' then
    seal_left = seal_ms
    call('HSET', key, 'seal', seal, 'seal_until', whole(now + seal_ms))
end
call('PEXPIRE', key, whole(math.max(window_ms, seal_left)))
return 'ok'
