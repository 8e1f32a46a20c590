package simulator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The example is a boleto that a bank has printed.
func TestTheLineOfABarcode(t *testing.T) {
	t.Parallel()
	require.Equal(t, "23793381286000782713695000063305975520000370000", boletoLine("23799755200003700003381260007827139500006330"))
}

func TestWhatABoletoCosts(t *testing.T) {
	t.Parallel()
	due := time.Date(2026, 12, 10, 23, 59, 59, 0, brasilia)
	rules := boletoRules{
		Fine: boletoRate{"percentage", 2}, Interest: boletoRate{"percentage", 1}, Discounts: []boletoDiscount{{"fixed", 5, "2026-12-05"}},
	}
	for want, now := range map[int64]time.Time{
		9500:  time.Date(2026, 12, 5, 23, 0, 0, 0, brasilia),
		10000: due,
		10203: due.Add(time.Hour),
		10300: due.Add(29*24*time.Hour + time.Minute),
	} {
		require.Equal(t, want, rules.sum(10000, due, now), now)
	}
	require.EqualValues(t, 10000, boletoRules{}.sum(10000, due, due.Add(time.Hour)))
}

func TestRulesThatMercadoPagoRefuses(t *testing.T) {
	t.Parallel()
	due := time.Date(2026, 12, 10, 23, 59, 59, 0, brasilia)
	for name, r := range map[string]boletoRules{
		"fine":             {Fine: boletoRate{"percentage", 2.01}},
		"fine as a sum":    {Fine: boletoRate{"fixed", 1}},
		"interest":         {Interest: boletoRate{"percentage", 1.01}},
		"discount":         {Discounts: []boletoDiscount{{"fixed", 100.01, "2026-12-05"}}},
		"discount percent": {Discounts: []boletoDiscount{{"percentage", 1, "2026-12-05"}}},
		"discount when":    {Discounts: []boletoDiscount{{"fixed", 1, "2026-12-10"}}},
		"discount moment":  {Discounts: []boletoDiscount{{"fixed", 1, "2026-12-05T00:00:00Z"}}},
	} {
		require.NotEmpty(t, r.check(10000, due), name)
	}
	require.Empty(t, boletoRules{}.check(10000, due))
}
