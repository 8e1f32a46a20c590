package ratelimit

import "net/netip"

// Address is the group of all requests from where ip is: the whole /64 where it is IPv6, which is what one customer of a
// provider has.
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
