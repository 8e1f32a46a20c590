package ratelimit

import "net/netip"

// Address is the group of requests that count together with those from ip: the address itself, or for IPv6 its /64 network, which
// one customer of an Internet provider has.
func Address(ip string) string {
	parsed, err := netip.ParseAddr(ip)
	if err != nil {
		return "unknown"
	}
	if parsed = parsed.Unmap(); parsed.Is4() {
		return parsed.String()
	}
	prefix, _ := parsed.WithZone("").Prefix(64) // it has that many bits
	return prefix.String()
}
