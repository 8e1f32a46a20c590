package language

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

func TestALanguageIsReadFromItsName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Language{"en": EN, "en-US": EN, "EN": EN, "pt": PT, "pt-BR": PT, "pt_BR": PT, "pt-PT": PT} {
		l, err := Parse(name)
		require.NoError(t, err, name)
		require.Equal(t, want, l, name)
	}
	for _, name := range []string{"", "de", "português", "klingon", "e n"} {
		_, err := Parse(name)
		require.Equal(t, failure.Invalid, failure.KindOf(err), name)
	}
}

func TestABrowserGetsTheLanguageItPrefers(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]Language{
		"":                                EN,
		"pt-BR,pt;q=0.9,en-US;q=0.8":      PT,
		"pt":                              PT,
		"en-GB,en;q=0.9,pt;q=0.8":         EN,
		"de-DE,de;q=0.9":                  EN,
		"de-DE,pt;q=0.5":                  PT,
		"*":                               EN,
		";;;;not a header":                EN,
		"pt;q=0.1,en;q=0.9":               EN,
		"fr;q=0.9,pt-PT;q=0.8,en;q=0.7,*": PT,
	} {
		require.Equal(t, want, Accepted(header), header)
	}
	require.Equal(t, PT, Of("en", "", "pt-BR", "en"))
	require.Equal(t, EN, Of("en", "", "de"))
}

func TestATextHasEveryLanguage(t *testing.T) {
	t.Parallel()
	text := Text{EN: "paid", PT: "pago"}
	require.Equal(t, "paid", text.In(EN))
	require.Equal(t, "pago", text.In(PT))
	require.Equal(t, "Pix", Text{EN: "Pix"}.In(PT), "the same word in both")
}

func TestAnAmountIsWrittenAsItsReadersDo(t *testing.T) {
	t.Parallel()
	require.Equal(t, "R$ 10.50", EN.Amount(1050, "BRL"))
	require.Equal(t, "R$ 10,50", PT.Amount(1050, "BRL"))
	require.Equal(t, "R$ 1,234,567.05", EN.Amount(123456705, "BRL"))
	require.Equal(t, "R$ 1.234.567,05", PT.Amount(123456705, "BRL"))
	require.Equal(t, "R$ -0.01", EN.Amount(-1, "BRL"))
	require.Equal(t, "USD 100.00", EN.Amount(10000, "USD"))
}

func TestEveryStatusHasAName(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range payment.Statuses() {
		name := PT.Status(s)
		require.NotEmpty(t, statuses[s], s)
		require.False(t, seen[name], name)
		seen[name] = true
	}
	require.Equal(t, "in review", EN.Status(payment.InReview))
}
