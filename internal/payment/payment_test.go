package payment

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestTheSameKeyMeansTheSamePaymentAndNoOther(t *testing.T) {
	require.Equal(t, NewID("shop", "order-1042"), NewID("shop", "order-1042"))
	require.NotEqual(t, NewID("shop", "order-1042"), NewID("shop", "order-1043"))
	require.NotEqual(t, NewID("shop", "order-1042"), NewID("shop2", "order-1042"))
	require.NotEqual(t, NewID("a", "bc"), NewID("ab", "c"))
	require.True(t, ValidID(NewID("shop", "order-1042")))
}

// The stored ids and the keys that the provider remembers must never change.
func TestIDsAreStandardAndFixed(t *testing.T) {
	want := uuid.NewSHA1(uuid.UUID(paymentNamespace), []byte("shop\x00order-1042")).String()
	require.Equal(t, want, NewID("shop", "order-1042"))
	require.Equal(t, "864f878f-658f-5fb2-bfc1-f88228e1d455", want)
	require.Equal(t, "734abd54-ba11-51dc-bb16-57774206801d", ProviderKey(want, Charge, 1))
	require.Equal(t, "d6d34dd9-5bac-546c-921a-8ccaa1cf56df", NewEmailID(want+"/receipt"))
}

func TestProviderKeysAreOneForEachOperation(t *testing.T) {
	id := NewID("shop", "order-1042")
	require.Equal(t, ProviderKey(id, Charge, 1), ProviderKey(id, Charge, 1))
	require.NotEqual(t, ProviderKey(id, Charge, 1), ProviderKey(id, Charge, 2))
	require.NotEqual(t, ProviderKey(id, Charge, 1), ProviderKey(id, "refund", 1))
	require.NotEqual(t, ProviderKey(id, Charge, 1), id)
}

func TestValidID(t *testing.T) {
	for id, want := range map[string]bool{
		"9d1c5b0e-526a-4e57-8a31-0c7e44d29001": true,
		"9D1C5B0E-526A-4E57-8A31-0C7E44D29001": false,
		"9d1c5b0e526a4e578a310c7e44d29001":     false,
		"../../etc/passwd":                     false,
		"":                                     false,
	} {
		require.Equal(t, want, ValidID(id), id)
	}
}

func TestAnAnswerAboutSomethingElseContradicts(t *testing.T) {
	s := ProviderState{PaymentID: "7", Reference: "p", Money: Money{1050, BRL}}
	require.Empty(t, s.Contradicts("p", "", Money{1050, BRL}))
	require.Empty(t, s.Contradicts("p", "7", Money{1050, BRL}))
	require.Contains(t, s.Contradicts("q", "7", Money{1050, BRL}), "reference")
	require.Contains(t, s.Contradicts("p", "8", Money{1050, BRL}), "recorded is 8")
	require.Contains(t, s.Contradicts("p", "7", Money{1049, BRL}), "asked were BRL 10.49")
	require.Contains(t, s.Contradicts("p", "7", Money{1050, "ARS"}), "asked were ARS")
}

func TestMoneyAsText(t *testing.T) {
	for centavos, want := range map[int64]string{0: "BRL 0.00", 5: "BRL 0.05", 1050: "BRL 10.50", -1050: "BRL -10.50"} {
		require.Equal(t, want, Money{centavos, BRL}.String())
	}
}
