-- May a call go out? The clock is Redis's, so that no two machines disagree.
-- KEYS: breaker, its probes. ARGV: probes per half-open window, lease of a probe (ms), this call's name.
-- Answer, all text: admitted (1 or 0), generation, wait (ms), state, state before, forced (1 or 0).
local held = redis.call('HMGET', KEYS[1], 'state', 'generation', 'forced', 'until')
local state, generation, forced = held[1] or 'closed', held[2] or '0', held[3]
local before = state

if forced == 'open' then return {'0', generation, '5000', 'open', 'open', '1'} end
if forced == 'closed' then return {'1', generation, '0', 'closed', 'closed', '1'} end
if state == 'closed' then return {'1', generation, '0', state, before, '0'} end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- A window is a generation of its own: a probe of an earlier one has no say in it.
local function window()
    state, generation = 'half-open', string.format('%.0f', now)
    redis.call('HSET', KEYS[1], 'state', state, 'generation', generation, 'successes', 0, 'sent', 0, 'since', now)
    redis.call('DEL', KEYS[2])
end

if state == 'open' then
    local wait = tonumber(held[4]) - now
    if wait > 0 then return {'0', generation, tostring(wait), state, before, '0'} end
    window()
end
if state == 'half-open' then
    -- No place is given twice in one window. When all are taken and no probe is out, because workers died with theirs or
    -- some ended without a verdict, the window can decide nothing any more and the next begins.
    redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
    local probes = tonumber(ARGV[1])
    local function taken() return tonumber(redis.call('HGET', KEYS[1], 'sent') or '0') >= probes end
    if taken() and redis.call('ZCARD', KEYS[2]) == 0 then window() end
    if taken() then return {'0', generation, '500', state, before, '0'} end
    redis.call('HINCRBY', KEYS[1], 'sent', 1)
    redis.call('ZADD', KEYS[2], now + tonumber(ARGV[2]), ARGV[3])
    redis.call('PEXPIRE', KEYS[2], 3600000)
end
return {'1', generation, '0', state, before, '0'}
