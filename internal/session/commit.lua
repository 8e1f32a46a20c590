-- Writes a session, unless it has ended. KEYS[1]: it; ARGV: its data, milliseconds that it lives, the word for one that ended.
if redis.call('GET', KEYS[1]) == ARGV[3] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
