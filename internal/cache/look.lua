-- A copy, and how old it is. The clock is Redis's, so that no two machines disagree.
-- KEYS: the copy. ARGV: until when in its life it is young (ms), for how long one asker renews it alone (ms).
-- Answer, all text: body, age (ms), 1 if this asker is to renew it; empty when there is no copy.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local copy = redis.call('HMGET', KEYS[1], 'body', 'at', 'renewing')
if not copy[1] then return {} end
local age = math.max(0, now - copy[2])
local renew = '0'
if age >= tonumber(ARGV[1]) and now >= tonumber(copy[3] or '0') then
    redis.call('HSET', KEYS[1], 'renewing', string.format('%.0f', now + ARGV[2]))
    renew = '1'
end
return {copy[1], string.format('%.0f', age), renew}
