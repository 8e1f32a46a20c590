package payment

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCardNumbersAreFoundAndOtherNumbersAreNot(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"4235647728025682":    true, // Visa
		"4000000000000000006": true, // Visa of 19 digits
		"2223003122003222":    true, // Mastercard's newer range
		"5555555555554444":    true,
		"5031433215406351":    true, // Mercado Pago's for tests
		"375365153556885":     true, // American Express
		"38520000023237":      true, // Diners Club
		"6011111111111117":    true, // Discover
		"6200000000000005":    true, // UnionPay
		"3566002020360505":    true, // JCB
		"5067766783888311":    true, // Elo
		"6062826786276634":    true, // Hipercard

		"card 4235 6477 2802 5682, thanks": true,
		"4235 6477 2802 5682 11/30":        true,
		"4235647728025682 1130 123":        true,
		"1 4235 6477 2802 5682":            true,
		"3753 651535 56885":                true,
		"4 2 3 5 6 4 7 7 2 8 0 2 5 6 8 2":  true,
		"visa:4235647728025682":            true,
		"nº4235647728025682x":              true,
		"4235 6477-2802/5682":              true,
		"lines\n4235647728025682\nmore":    true,

		// Order numbers and the like, whatever their check digit says.
		"2000009876543205":   false, // Mercado Livre
		"576460752303423402": false, // a snowflake
		"4006381333908":      false, // a product's barcode
		"1767225600123456":   false, // microseconds
		"106400160592":       false,
		"order-1042":         false,
		"":                   false,
		"4235647728025683":   false, // a wrong check digit

		// Other numbers that users and programs write.
		"5511987654321":                                        false, // a telephone number
		"+55 (11) 98765-4321 / 3181-1234":                      false,
		"0190f3c1-7a2d-5c39-9f0e-2d1a4b6c8e10":                 false,
		"b7a54235-6477-2802-5682-0f3d8f6a5a11":                 false, // a UUID with a card's digits in it
		"c4235647728025682deadbeef01234567":                    false, // a hash
		"0.4235647728025682":                                   false, // a random fraction
		"-23.550520, -46.633308":                               false, // a place in São Paulo
		"2026-11-26T14:12:33.123456789-03:00":                  false,
		"36.123.456/0001-78":                                   false, // a CNPJ
		"tamanhos 36/38/40/42/44/46/48/50":                     false,
		"4235\n6477\n2802\n5682":                               false, // a list
		"R$ 4.111.111.111,11 e 11,11":                          false,
		"4, 5, 5, 3, 4, 4, 5, 5, 1, 2, 3, 5, 4, 4, 5, 5, 4, 3": false, // answers to a survey

		"23793381286000782713695000063305975520000370000":        false, // a boleto's line
		"23793.38128 60007.827136 95000.063305 9 75520000370000": false,
		"35261114200166000187550010000000071234567890":           false, // an invoice's access key
		"3526 1114 2001 6600 0187 5500 1000 0000 0712 3456 7890": false,
	} {
		require.Equal(t, want, ContainsCardNumber(text), "%q", text)
	}
}

// writings are how users and programs write a number of four groups.
var writings = map[string]func(string) string{
	"dots": between("."), "slashes": between("/"), "underscores": between("_"), "commas": between(","), "blanks": between(" "),
	"two blanks": between("  "), "dashes": between("-"), "blanks around dashes": between(" - "), "no-break spaces": between("\u00a0"),
	"thin spaces": between("\u2009"), "en dashes": between("–"), "minus signs": between("−"), "colons": between(":"), "tabs": between("\t"),
	"zero-width spaces": between("\u200b"), "soft hyphens": between("\u00ad"), "word joiners": between("\u2060"), "nothing": between(""),
	"a zero-width space after each digit": func(n string) string { return strings.Join(strings.Split(n, ""), "\u200b") },
	"full-width digits":                   digits('０'), "Arabic digits": digits('٠'), "Persian digits": digits('۰'),
	"Devanagari digits": digits('०'), "mathematical digits": digits('𝟎'), "subscripts": digits('₀'),
	"full-width in groups": func(n string) string { return between("　")(digits('０')(n)) },
}

// between puts something between groups of four.
func between(gap string) func(string) string {
	return func(number string) string {
		var groups []string
		for runes := []rune(number); len(runes) > 0; runes = runes[min(4, len(runes)):] {
			groups = append(groups, string(runes[:min(4, len(runes))]))
		}
		return strings.Join(groups, gap)
	}
}

// digits writes them in another script.
func digits(zero rune) func(string) string {
	return func(number string) string {
		return strings.Map(func(r rune) rune { return zero + r - '0' }, number)
	}
}

// A card number is found however it is written, alone or within a sentence, of every issuer.
func TestACardNumberIsFoundHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, i := range issuers {
		number := cardOf(i, random)
		for name, write := range writings {
			require.True(t, ContainsCardNumber(write(number)), "%s: %s", name, write(number))
			require.True(t, ContainsCardNumber("card "+write(number)+" 11/30, thanks"), "%s: %s", name, write(number))
		}
	}
}

// cardOf is a number of an issuer's, with its check digit.
func cardOf(i issuer, random *rand.Rand) string {
	number := i.low
	for len(number) < i.longest-1 {
		number += fmt.Sprint(random.IntN(10))
	}
	for check := range 10 {
		if whole := number + fmt.Sprint(check); luhn(whole) {
			return whole
		}
	}
	panic("one of ten check digits is right")
}

// asIssued is the same rule once more, as one pattern, for numbers of one run.
var asIssued = regexp.MustCompile(`^(?:4\d{15}(?:\d{3})?|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3(?:0|6|8|9)\d{12}` +
	`|(?:6011|64[4-9]\d|65\d\d|62\d\d)\d{12,15}|35(?:2[89]|[3-8]\d)\d{12}` +
	`|(?:504175|503143|506699|5067[0-6]\d|50677[0-8]|509\d{3}|636297|636368|3841[046]0|606282|637095|637568|637599|637609|637612)\d{10})$`)

// A reference of digits only that no issuer has given out is fine, and every card number is refused however it is written.
func FuzzCardNumbers(f *testing.F) {
	f.Add("2000009876543205", uint16(0), uint64(1))
	f.Add("576460752303423402", uint16(7), uint64(2))
	f.Add("4006381333908", uint16(40), uint64(3))
	f.Add("4235647728025682", uint16(300), uint64(4))
	f.Add("4235 6477 2802 5682", uint16(300), uint64(4))
	names := slices.Sorted(maps.Keys(writings))
	f.Fuzz(func(t *testing.T, text string, which uint16, seed uint64) {
		found := ContainsCardNumber(text) // whatever it is, it does not panic
		if onlyDigits.MatchString(text) {
			require.Equal(t, asIssued.MatchString(text) && luhn(text), found, text)
		}
		number := cardOf(issuers[int(which)%len(issuers)], rand.New(rand.NewPCG(seed, seed)))
		write := writings[names[int(which)/len(issuers)%len(names)]]
		require.True(t, ContainsCardNumber(write(number)), "%q", write(number))
	})
}

var onlyDigits = regexp.MustCompile(`^[0-9]{1,23}$`)
