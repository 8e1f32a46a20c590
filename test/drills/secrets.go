package drills

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/payment"
)

// noSecrets reports where a secret was found and of which kind, never the secret itself.
func noSecrets(e Evidence, say objecting) {
	for _, page := range e.Pages {
		found := map[string][]int{} // lines by kind
		number := 0
		for line := range strings.Lines(page.Text) {
			number++
			for _, kind := range secretsIn(line, e.Secrets) {
				found[kind] = append(found[kind], number)
			}
		}
		for _, kind := range slices.Sorted(maps.Keys(found)) {
			say("", "%s, line %d: %s (%d lines)", page.Where, found[kind][0], kind, len(found[kind]))
		}
	}
}

var (
	anEmailAddress = regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b`)
	anAPIKey       = regexp.MustCompile(`ow_[a-z]+_[a-z2-7]+_[a-z2-7]+`)
	aBearerToken   = regexp.MustCompile(`[Bb]earer +[A-Za-z0-9._~+/-]{8,}`)
	aTaxID         = regexp.MustCompile(`\b\d{3}\.\d{3}\.\d{3}-\d{2}\b|\b\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}\b`) // CPF and CNPJ as they are usually written

	// noCardNumber matches long digits that are no card number: UUIDs, hashes, the places behind a decimal point, and
	// the state of Erlang's random numbers, which the broker's crash reports show.
	noCardNumber = regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b[0-9a-f]{24,}\b|\b\d+\.\d+|\b\d+\|\d+\b`)
)

// secretsIn looks for a fixed text before it tries a pattern: logs are long, and patterns are slow.
func secretsIn(line string, known map[string]string) []string {
	var kinds []string
	for kind, secret := range known {
		if secret != "" && strings.Contains(line, secret) {
			kinds = append(kinds, kind)
		}
	}
	if strings.Contains(line, "@") && anEmailAddress.MatchString(line) {
		kinds = append(kinds, "an e-mail address")
	}
	if strings.Contains(line, "ow_") && slices.ContainsFunc(anAPIKey.FindAllString(line, -1), isAPIKey) {
		kinds = append(kinds, "an API key")
	}
	if strings.Contains(line, "earer") && aBearerToken.MatchString(line) {
		kinds = append(kinds, "a bearer token")
	}
	if strings.Count(line, ".") > 1 && aTaxID.MatchString(line) {
		kinds = append(kinds, "a tax id")
	}
	if payment.ContainsCardNumber(line) && payment.ContainsCardNumber(noCardNumber.ReplaceAllString(line, "x")) {
		kinds = append(kinds, "a card number")
	}
	return kinds
}

func isAPIKey(text string) bool {
	_, _, ok := access.ParseAPIKey(text)
	return ok
}
