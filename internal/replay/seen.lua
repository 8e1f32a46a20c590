-- Was this notification kept? KEYS: the set of its mark. ARGV: the mark's number there. Answer: 1 or 0, as text.
return {tostring(redis.call('SISMEMBER', KEYS[1], ARGV[1]))}
