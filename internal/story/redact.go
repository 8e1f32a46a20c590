package story

import (
	"regexp"
	"strings"

	"github.com/onlywave/onlywave/internal/payment"
)

// hidden stands for the buyer's personal data in a text of others, such as an error of the provider or an operator's reason.
const hidden = "•••"

var (
	address = regexp.MustCompile(`[\p{L}\p{N}._%+'-]+@[\p{L}\p{N}-]+(\.[\p{L}\p{N}-]+)+`)
	taxID   = regexp.MustCompile(`\d{3}\.\d{3}\.\d{3}-\d{2}|\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}`)
)

// redact hides the buyer's data, and whatever looks like an e-mail address or a tax id, in all texts.
func (w *writer) redact() {
	hide := hider(w.payment.Payer)
	s := &w.story
	s.Head = hide(s.Head)
	for i := range s.Problems {
		s.Problems[i].Text = hide(s.Problems[i].Text)
	}
	for _, entries := range [][]Entry{s.Entries, s.Now} {
		for i := range entries {
			entries[i].Text = hide(entries[i].Text)
		}
	}
}

func hider(p payment.Payer) func(string) string {
	var parts []string
	for _, k := range []string{p.Email, p.Name, p.TaxID, p.Address.Street} {
		if single := k != p.Email && k != p.TaxID && !strings.Contains(k, " "); k != "" && !single { // one word may be the name of an operator, or any word, too
			parts = append(parts, regexp.QuoteMeta(k))
		}
	}
	var buyer *regexp.Regexp
	if len(parts) > 0 {
		buyer = regexp.MustCompile(`(?i)` + strings.Join(parts, "|"))
	}
	return func(s string) string {
		if buyer != nil {
			s = buyer.ReplaceAllLiteralString(s, hidden)
		}
		return taxID.ReplaceAllLiteralString(address.ReplaceAllLiteralString(s, hidden), hidden)
	}
}
