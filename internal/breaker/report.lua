-- How did a call end? Only reports of the present generation count: what began before the last change says nothing
-- about now.
-- KEYS: breaker, its probes. ARGV: generation, call's name, outcome (success, failure, released), worker, window (s),
-- minimum of calls, failure rate (0..1), open time (ms), longest open time (ms), probes per half-open window,
-- calls that this one stands for, earlier successes of this worker that are reported with it, how long ago the first of them was (ms).
-- Answer: generation, state, state before.
local held = redis.call('HMGET', KEYS[1], 'state', 'generation', 'forced')
local state, generation = held[1] or 'closed', held[2] or '0'
local before, outcome = state, ARGV[3]
if state == 'half-open' then redis.call('ZREM', KEYS[2], ARGV[2]) end
if generation ~= ARGV[1] or held[3] then return {generation, state, before} end

local clock = redis.call('TIME')
local second = tonumber(clock[1])
local now = second * 1000 + math.floor(clock[2] / 1000)

local function turn(to)
    state, generation = to, string.format('%.0f', now)
    redis.call('HSET', KEYS[1], 'state', to, 'generation', generation, 'since', now)
    redis.call('DEL', KEYS[2])
end

-- The streak of failures decides how long it stays open.
local function open(failures)
    local streak = redis.call('HINCRBY', KEYS[1], 'streak', failures)
    local wait = math.min(tonumber(ARGV[8]) * 2 ^ math.min(streak - 1, 30), tonumber(ARGV[9]))
    turn('open')
    redis.call('HSET', KEYS[1], 'until', string.format('%.0f', now + wait))
    redis.call('HINCRBY', KEYS[1], 'openings', 1)
end

-- The buckets' names come from Redis's clock, so they cannot be among KEYS; the braces in the name keep them in the
-- same slot of a cluster. They carry the generation, so a closed breaker starts with clean ones.
local function bucket(s) return KEYS[1] .. ':' .. generation .. ':' .. s end

-- The fleet's breaker opens when enough calls fail, over the whole window or, nearly all of them, over its last seconds:
-- the successes of just now must not hide an outage that has begun. More than half of the workers that have called in the
-- window must see it so: a bad link is one worker's own affair. But one that alone has called speaks for the fleet, which may
-- have no other; if only its link is bad, the next window's probes, which any worker may make, soon say so.
local function tripped()
    local rate, calls, failures, active, workers, spans = tonumber(ARGV[7]), 0, 0, 0, {}, {}
    for s = second, second - tonumber(ARGV[5]) + 1, -1 do
        local counts = redis.call('HGETALL', bucket(s))
        for i = 1, #counts, 2 do
            local name, n = counts[i]:sub(2), tonumber(counts[i + 1])
            if not workers[name] then workers[name], active = {calls = 0, failures = 0}, active + 1 end
            local w = workers[name]
            calls, w.calls = calls + n, w.calls + n
            if counts[i]:sub(1, 1) == '-' then failures, w.failures = failures + n, w.failures + n end
        end
        local ill = 0
        for _, w in pairs(workers) do
            if w.failures >= rate * w.calls then ill = ill + 1 end
        end
        spans[#spans + 1] = {calls = calls, failures = failures, ill = ill}
    end
    for i, span in ipairs(spans) do
        local least = i == #spans and rate or math.max(rate, 0.9)
        if span.calls >= tonumber(ARGV[6]) and span.failures >= least * span.calls and 2 * span.ill > active then return true end
    end
    return false
end

local function count(sign, calls, s)
    local first = redis.call('HINCRBY', bucket(s), sign .. ARGV[4], calls) == calls
    if first then redis.call('EXPIRE', bucket(s), tonumber(ARGV[5]) + 5) end
end

if state == 'closed' then
    if ARGV[12] ~= '0' then count('+', tonumber(ARGV[12]), math.floor((now - ARGV[13]) / 1000)) end
    if outcome == 'success' then count('+', 1, second) end
    if outcome == 'failure' then
        count('-', tonumber(ARGV[11]), second)
        if tripped() then open(1) end
    end
elseif state == 'half-open' then
    local probes = tonumber(ARGV[10])
    local function field(name) return tonumber(redis.call('HGET', KEYS[1], name) or '0') end
    if outcome == 'success' then redis.call('HINCRBY', KEYS[1], 'successes', 1) end
    if outcome == 'failure' then
        open(1)
    elseif field('successes') >= probes then
        turn('closed')
        redis.call('HSET', KEYS[1], 'streak', 0)
    elseif field('sent') >= probes and field('successes') == 0 and redis.call('ZCARD', KEYS[2]) == 0 then
        open(0) -- a whole window has shown nothing; the next is as long as this one was
    end
end
return {generation, state, before}
