-- An operator overrules the breaker, or lets it decide for itself again.
-- KEYS: breaker. ARGV: open, closed or nothing; who; why.
-- Answer: the state that calls met before, and the one they meet now.
local state = redis.call('HGET', KEYS[1], 'state') or 'closed'
local before, after = redis.call('HGET', KEYS[1], 'forced') or state, state
if ARGV[1] == '' then
    redis.call('HDEL', KEYS[1], 'forced', 'actor', 'reason')
else
    after = ARGV[1]
    redis.call('HSET', KEYS[1], 'forced', after, 'actor', ARGV[2], 'reason', ARGV[3])
end
redis.call('HINCRBY', KEYS[1], 'forcings', 1)
return {before, after}
