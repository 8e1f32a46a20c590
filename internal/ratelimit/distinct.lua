-- Decides whether one more thing may be done for a subject. Each thing counts once, however often it comes. The clock is Redis's.
-- KEYS: the things that were counted, by time. ARGV: the thing, the quota within the window, the window (us).
-- Answer, as text: 1 or 0.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - ARGV[3]))
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'1'} end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return {'0'} end
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[3] / 1000))
return {'1'}
