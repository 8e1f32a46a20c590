-- No worker calls for so long, unless a longer pause is on already.
-- KEYS: pause. ARGV: how long (ms).
-- Answer: how long the pause is now (ms).
local left = redis.call('PTTL', KEYS[1])
if left < tonumber(ARGV[1]) then
    redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
    left = ARGV[1]
end
return {tostring(left)}
