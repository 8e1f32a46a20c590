package config

import (
	"net/netip"
	"slices"
	"strings"
)

// devSecret begins every secret that `onlywave dev` and compose have, and that anybody can read.
const devSecret = "onlywave-dev-"

// checkLive refuses values that are good for a test and let strangers in, or move no money, when real money is at stake.
func (c Config) checkLive(k *checks, part Part) {
	check := func(right bool, name, what string) { k.that(right, name, what+" when ENVIRONMENT is live") }
	known := func(s Secret) bool { return strings.HasPrefix(string(s), devSecret) }
	if part == API {
		check(strings.HasPrefix(c.PublicURL, "https://"), "PUBLIC_URL", "must begin with https://")
		check(!known(c.CursorSecret), "CURSOR_SECRET", "must be one of your own")
		check(!slices.ContainsFunc(c.WebhookSecrets, known), "MERCADOPAGO_WEBHOOK_SECRETS", "must be Mercado Pago's")
		check(!slices.ContainsFunc(c.TrustedProxies, everybody), "TRUSTED_PROXIES", "must not be everybody: each could say which address he comes from")
	}
	if part == Worker {
		// Keys for tests begin with TEST- (guide "credentials").
		check(!strings.HasPrefix(string(c.MercadoPagoAccessToken), "TEST-"), "MERCADOPAGO_ACCESS_TOKEN", "must not be one for tests, TEST-…,")
		check(c.MercadoPagoNotificationURL == "" || strings.HasPrefix(c.MercadoPagoNotificationURL, "https://"),
			"MERCADOPAGO_NOTIFICATION_URL", "must begin with https://")
	}
}

func everybody(proxies string) bool {
	network, err := netip.ParsePrefix(proxies)
	return err == nil && network.Bits() == 0
}
