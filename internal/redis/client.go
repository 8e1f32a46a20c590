package redis

import (
	"errors"
	"net/url"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Nothing is tried twice. A caller has a deadline of its own, which go-redis keeps only if its options say so.
// Connections are made behind the scenes, and what that may take is here.
const (
	dialTime = 250 * time.Millisecond
	talkTime = time.Second
	// searchTime is for a connection that Sentinels must be asked about first. The one that go-redis asks may be silent: it
	// turns to the others only when that one has had its sentinelTime, twice, and some of searchTime is left.
	searchTime   = 2 * time.Second
	sentinelTime = 500 * time.Millisecond
	// redirects is how often a question follows a key that has moved to another node of a cluster, and layoutAge for how long it
	// is believed which node holds what: no message says when a node is gone and another has taken over.
	redirects = 2
	layoutAge = 2 * time.Second
)

// newClient makes what the address's form asks for, see Open.
func newClient(address string) (goredis.UniversalClient, error) {
	first, more := hostsOf(address)
	u, err := url.Parse(first)
	if err != nil {
		return nil, err
	}
	query := u.Query()
	for _, host := range more {
		if !strings.Contains(host, ":") {
			host += ":6379"
		}
		query.Add("addr", host)
	}
	cluster := query.Get("cluster")
	query.Del("cluster")
	u.RawQuery = query.Encode()
	switch {
	case query.Has("master_name"):
		return newFailoverClient(u.String())
	case cluster == "true" || len(more) > 0:
		if database := strings.Trim(u.Path, "/"); database != "" && database != "0" {
			return nil, errors.New("a cluster has no database but 0")
		}
		return newClusterClient(u.String())
	}
	return newSingleClient(u.String())
}

// hostsOf takes all hosts but the first out of an address, which may name several divided by commas.
func hostsOf(address string) (first string, more []string) {
	begin, end := strings.Index(address, "://"), len(address)
	if begin < 0 {
		return address, nil
	}
	begin += len("://")
	if path := strings.IndexAny(address[begin:], "/?#"); path >= 0 {
		end = begin + path
	}
	begin = max(begin, strings.LastIndexByte(address[:end], '@')+1) // a password may hold commas
	hosts := strings.Split(address[begin:end], ",")
	return address[:begin] + hosts[0] + address[end:], hosts[1:]
}

func newSingleClient(address string) (goredis.UniversalClient, error) {
	options, err := goredis.ParseURL(address)
	if err != nil {
		return nil, err
	}
	options.ContextTimeoutEnabled = true
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = dialTime, talkTime, talkTime
	options.MaxRetries, options.DialerRetries = -1, 1
	return goredis.NewClient(options), nil
}

func newFailoverClient(address string) (goredis.UniversalClient, error) {
	options, err := goredis.ParseFailoverURL(address)
	if err != nil {
		return nil, err
	}
	options.ContextTimeoutEnabled = true
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = searchTime, sentinelTime, sentinelTime
	options.MaxRetries, options.DialerRetries = -1, 1
	return goredis.NewFailoverClient(options), nil
}

func newClusterClient(address string) (goredis.UniversalClient, error) {
	options, err := goredis.ParseClusterURL(address)
	if err != nil {
		return nil, err
	}
	options.ContextTimeoutEnabled = true
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = dialTime, talkTime, talkTime
	options.MaxRetries, options.DialerRetries, options.MaxRedirects = -1, 1, redirects
	options.ClusterStateReloadInterval = layoutAge
	return goredis.NewClusterClient(options), nil
}
