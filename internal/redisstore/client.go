package redisstore

import (
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"
)

// Nothing is tried twice, and who asks has a deadline of its own, which go-redis would wait past unless it is told not to.
// Connections are made behind the scenes, and what that may take is here.
const (
	dialTime = 250 * time.Millisecond
	talkTime = time.Second
	// searchTime is for a connection that Sentinels must be asked about first. The one that go-redis asks may be silent: it
	// turns to the others only when that one has had its sentinelTime, twice, and some of searchTime is left.
	searchTime   = 2 * time.Second
	sentinelTime = 500 * time.Millisecond
)

func newClient(address string) (*redis.Client, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if !u.Query().Has("master_name") {
		options, err := redis.ParseURL(address)
		if err != nil {
			return nil, err
		}
		options.ContextTimeoutEnabled = true
		options.DialTimeout, options.ReadTimeout, options.WriteTimeout = dialTime, talkTime, talkTime
		options.MaxRetries, options.DialerRetries = -1, 1
		return redis.NewClient(options), nil
	}
	options, err := redis.ParseFailoverURL(address)
	if err != nil {
		return nil, err
	}
	options.ContextTimeoutEnabled = true
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = searchTime, sentinelTime, sentinelTime
	options.MaxRetries, options.DialerRetries = -1, 1
	return redis.NewFailoverClient(options), nil
}
