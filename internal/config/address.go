package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// isAddress is true for host:port. The port is a number: a name is only what some machine's list makes of it.
func isAddress(s string) bool {
	_, port, err := net.SplitHostPort(s)
	return err == nil && isPort(port)
}

// isPort takes 0, too, which is any free one where we listen.
func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// isNetwork is true for an address or a network.
func isNetwork(s string) bool {
	_, err := netip.ParsePrefix(s)
	if err != nil {
		_, err = netip.ParseAddr(s)
	}
	return err == nil
}

func isURL(s string) bool { return isAt(Secret(s), "http", "https") }

// isOrigin takes an address as a browser names the origin of a page: scheme and host, without a slash at the end.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && isURL(s) && s == u.Scheme+"://"+u.Host
}

// isCollector takes no credentials: the exporter would not send them, and the address is no secret.
func isCollector(s string) bool { return isURL(s) && !strings.ContainsAny(s, "@?#") }

func isAt(s Secret, schemes ...string) bool {
	u, err := url.Parse(string(s))
	return err == nil && slices.Contains(schemes, u.Scheme) && isHost(u.Host)
}

// isHost is true for a host, whose port may be left to its default.
func isHost(s string) bool {
	host, port, found := s, "", false
	if at := strings.LastIndexByte(s, ':'); at > strings.LastIndexByte(s, ']') { // an IPv6 address has its own colons, in brackets
		host, port, found = s[:at], s[at+1:], true
	}
	return host != "" && (!found || isPort(port))
}

// isRedis takes one host, or several that are divided by commas; more may be given as addr.
func isRedis(s Secret) bool {
	scheme, rest, _ := strings.Cut(string(s), "://")
	end := len(rest)
	if at := strings.IndexAny(rest, "/?#"); at >= 0 {
		end = at
	}
	begin := strings.LastIndexByte(rest[:end], '@') + 1
	for host := range strings.SplitSeq(rest[begin:end], ",") {
		if !isAt(Secret(scheme+"://"+rest[:begin]+host+rest[end:]), "redis", "rediss") {
			return false
		}
	}
	_, query, _ := strings.Cut(rest[end:], "?")
	values, err := url.ParseQuery(query)
	return err == nil && !slices.ContainsFunc(values["addr"], func(a string) bool { return !isAddress(a) })
}

// isDatabase takes what Postgres's own tools take: an address, which may name several hosts, or words such as host=db port=5432.
func isDatabase(s Secret) bool {
	text := string(s)
	for _, scheme := range []string{"postgres://", "postgresql://"} {
		rest, found := strings.CutPrefix(text, scheme)
		if !found {
			continue
		}
		authority, _, _ := strings.Cut(rest, "/")
		authority, _, _ = strings.Cut(authority, "?")
		hosts := authority[strings.LastIndexByte(authority, '@')+1:]
		return hosts == "" || !slices.ContainsFunc(strings.Split(hosts, ","), func(h string) bool { return !isHost(h) })
	}
	for word := range strings.FieldsSeq(text) {
		ports, found := strings.CutPrefix(word, "port=")
		if found && slices.ContainsFunc(strings.Split(ports, ","), func(p string) bool { return !isPort(p) }) {
			return false
		}
	}
	return strings.Contains(text, "=")
}
