package email

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/unicode/norm"
)

// Client apps send names and descriptions that any person may have typed, and e-mails with our name show them. So these texts must not
// contain anything that a reader could follow: no link, no address, nothing that mail programs turn into a link.

// Bounds, in characters.
const (
	longestGreeting = 60
	longestQuote    = 120
	longestError    = 300
)

// greetable is a name as an e-mail may say it; "" for one that is no name: mere letters and what stands between them in names,
// not too many.
func greetable(name string) string {
	name = strings.Join(strings.Fields(name), " ")
	odd := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !strings.ContainsRune(" .'’-&", r)
	}
	if utf8.RuneCountInString(name) > longestGreeting || strings.ContainsFunc(name, odd) || !strings.ContainsFunc(name, unicode.IsLetter) {
		return ""
	}
	for word := range strings.FieldsSeq(name) {
		if followable(word) {
			return ""
		}
	}
	return name
}

// quotable is a client app's text as an e-mail may show it: on one line, not longer than a bound, and without the words that a
// reader could follow.
func quotable(text string, longest int) string {
	words := strings.Fields(text)
	for i, word := range words {
		if followable(word) {
			words[i] = "…"
		}
	}
	text = strings.Join(words, " ")
	if utf8.RuneCountInString(text) > longest {
		text = strings.TrimSpace(string([]rune(text)[:longest-1])) + "…"
	}
	return text
}

var (
	scheme = regexp.MustCompile(`(?i)(^|[^\pL\pN])[a-z][a-z0-9+.-]*:/|//|(^|[^\pL\pN])(mailto|tel|sms|javascript|data|whatsapp):|(^|[^\pL\pN])www\.`)
	dotted = regexp.MustCompile(`[\pL\pM\pN_-]+(\.[\pL\pM\pN_-]+)+`)
	dots   = strings.NewReplacer("。", ".", "․", ".", "‧", ".", "∙", ".", "·", ".")
)

// followable says whether a word is or contains an address: one with a scheme, or a text that mail programs turn into a link because it
// ends like a domain name.
func followable(word string) bool {
	word = dots.Replace(norm.NFKC.String(word))
	if scheme.MatchString(word) {
		return true
	}
	for _, name := range dotted.FindAllString(word, -1) {
		if _, err := netip.ParseAddr(name); err == nil {
			return true
		}
		ascii, err := idna.ToASCII(strings.ToLower(name))
		if err != nil {
			ascii = strings.ToLower(name)
		}
		for labels := ascii; strings.Contains(labels, "."); labels = labels[:strings.LastIndexByte(labels, '.')] {
			if suffix, known := publicsuffix.PublicSuffix(labels); known && suffix != labels {
				return true
			}
		}
	}
	return false
}

// followed is a provider's link, which is shown as one; "" for what is none to a page.
func followed(link string) string {
	if strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://") {
		return link
	}
	return ""
}
