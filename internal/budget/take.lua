-- May a call go out now, or when? One rate for all workers, kept as the time at which all calls admitted so far will have been
-- worked off (GCRA). The clock is Redis's.
-- KEYS: budget, pause, workers. ARGV: time between calls (us), burst (calls), calls of it that must be left, how far ahead the
-- call may be admitted (us), worker, how long a worker is remembered (s).
-- Answer, all text: admitted (1 or 0), how long to wait (us): before the call, or before asking anew; workers; paused (1 or 0).
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

redis.call('ZADD', KEYS[3], clock[1], ARGV[5])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', clock[1] - ARGV[6])
redis.call('EXPIRE', KEYS[3], ARGV[6])
local workers = tostring(redis.call('ZCARD', KEYS[3]))

local pause = redis.call('PTTL', KEYS[2])
if pause > 0 then return {'0', tostring(pause * 1000), workers, '1'} end

local gap = tonumber(ARGV[1])
if gap == 0 then return {'1', '0', workers, '0'} end
local booked = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + gap
local wait = math.max(0, booked - now - (ARGV[2] - ARGV[3]) * gap)
if wait > tonumber(ARGV[4]) then return {'0', string.format('%.0f', math.ceil(wait)), workers, '0'} end
redis.call('SET', KEYS[1], string.format('%.0f', booked), 'PX', math.ceil((booked - now) / 1000) + 1000)
return {'1', string.format('%.0f', math.ceil(wait)), workers, '0'}
