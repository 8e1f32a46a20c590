package paylink

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

func newLinks(t *testing.T, letter string) *Links {
	t.Helper()
	l, err := New("https://pay.example.com/", []byte(strings.Repeat(letter, 32)))
	require.NoError(t, err)
	return l
}

func TestAnAddressOpensItsPaymentUntilItsEnd(t *testing.T) {
	t.Parallel()
	l := newLinks(t, "a")
	end := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	p := payment.Payment{ID: payment.NewID("shop", "1"), Instructions: payment.Instructions{ExpiresAt: end}}
	p.Payer = payment.Payer{Email: "ana@example.com", Name: "Ana", TaxID: "12345678909"}
	url := l.URL(p)
	token, ok := strings.CutPrefix(url, "https://pay.example.com/pay/")
	require.True(t, ok)
	raw, err := base64.RawURLEncoding.DecodeString(token)
	require.NoError(t, err)
	for _, personal := range []string{p.Payer.Email, p.Payer.Name, p.Payer.TaxID} {
		require.False(t, bytes.Contains(raw, []byte(personal)))
	}

	id, err := l.Read(token, end.Add(after-time.Second))
	require.NoError(t, err)
	require.Equal(t, p.ID, id)
	_, err = l.Read(token, end.Add(after))
	require.ErrorIs(t, err, ErrUnknown)
	_, err = newLinks(t, "b").Read(token, end)
	require.ErrorIs(t, err, ErrUnknown, "another secret")
	for i := range raw {
		changed := bytes.Clone(raw)
		changed[i] ^= 1
		_, err = l.Read(base64.RawURLEncoding.EncodeToString(changed), end)
		require.ErrorIs(t, err, ErrUnknown, "byte %d", i)
	}
	for _, text := range []string{"", "x", token + "A", token[1:], "../" + token} {
		_, err = l.Read(text, end)
		require.ErrorIs(t, err, ErrUnknown, text)
	}
}

func TestAShortSecretIsRefused(t *testing.T) {
	t.Parallel()
	_, err := New("https://pay.example.com", []byte("short"))
	require.ErrorContains(t, err, "32 bytes")
}
