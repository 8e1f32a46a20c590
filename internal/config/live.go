package config

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// devSecret begins every secret of `onlywave-lab dev` and compose. These secrets are public.
const devSecret = "onlywave-dev-"

// checkLive refuses, in live, values that are only for a test: they admit any client or move no money.
func (c Config) checkLive(k *checks, part Part) {
	check := func(right bool, name, what string) { k.that(right, name, what+" when ENVIRONMENT is live") }
	if part == API {
		check(strings.HasPrefix(c.PublicURL, "https://"), "PUBLIC_URL", "must begin with https://")
		check(c.ConsoleSecret != "", "CONSOLE_SECRET", "must be set")
		check(!slices.ContainsFunc(c.TrustedProxies, everyAddress), "TRUSTED_PROXIES", "must not be every address: any client could then choose the address that it appears to come from")
	}
	if part == API || part == Worker {
		// Keys for tests begin with TEST- (guide "credentials").
		check(!strings.HasPrefix(string(c.MercadoPagoAccessToken), "TEST-"), "MERCADOPAGO_ACCESS_TOKEN", "must not be one for tests, TEST-…,")
	}
	if part == Worker {
		check(c.MercadoPagoNotificationURL == "" || strings.HasPrefix(c.MercadoPagoNotificationURL, "https://"),
			"MERCADOPAGO_NOTIFICATION_URL", "must begin with https://")
	}
}

// checkPublished refuses secrets that are published, where real money may be at stake: when ENVIRONMENT is live, and with a real
// token whatever ENVIRONMENT says, because it may have been forgotten. Tokens of test users begin
// with APP_USR- too (guide "credentials").
func (c Config) checkPublished(k *checks) {
	why := ""
	switch {
	case c.Environment == "live":
		why = "ENVIRONMENT is live"
	case strings.HasPrefix(string(c.MercadoPagoAccessToken), "APP_USR-"):
		why = "MERCADOPAGO_ACCESS_TOKEN is a real one"
	default:
		return
	}
	const published = " when %s: this one can be read in the program's source"
	k.that(!isPublished(c.CursorSecret), "CURSOR_SECRET", "must be one of your own"+fmt.Sprintf(published, why))
	k.that(!isPublished(c.ConsoleSecret), "CONSOLE_SECRET", "must be one of your own"+fmt.Sprintf(published, why))
	k.that(!slices.ContainsFunc(c.SearchKey, isPublished), "SEARCH_KEY", "must be one of your own"+fmt.Sprintf(published, why))
	k.that(!slices.ContainsFunc(c.PayloadKeys, isPublishedKey), "TEMPORAL_PAYLOAD_KEYS", "must have keys of your own"+fmt.Sprintf(published, why))
	k.that(!slices.ContainsFunc(c.WebhookSecrets, isPublished), "MERCADOPAGO_WEBHOOK_SECRETS", "must be Mercado Pago's"+fmt.Sprintf(published, why))
}

func isPublished(s Secret) bool { return strings.HasPrefix(string(s), devSecret) }

// isPublishedKey is isPublished for the key of payloads, which is written in base64 after its id.
func isPublishedKey(s Secret) bool {
	_, key, _ := strings.Cut(string(s), ":")
	secret, _ := base64.StdEncoding.DecodeString(key)
	return isPublished(Secret(secret))
}

func everyAddress(proxies string) bool {
	network, err := netip.ParsePrefix(proxies)
	return err == nil && network.Bits() == 0
}
