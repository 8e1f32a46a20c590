package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
)

func TestAnAPIKeyFromIssueToRevocation(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	text, err := s.IssueAPIKey(t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "live", ClientID: "newcomer", Scopes: []access.Scope{access.ScopePaymentsRead}}, timeAt(0))
	require.NoError(t, err)
	_, id, ok := access.ParseAPIKey(text)
	require.True(t, ok)

	k, err := s.APIKey(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "newcomer", k.ClientID)
	require.True(t, k.Admits(text, timeAt(1)))
	require.True(t, k.Allows(access.ScopePaymentsRead))
	require.False(t, k.Allows(access.ScopePaymentsWrite))
	require.True(t, k.CreatedAt.Equal(timeAt(0)))
	require.True(t, k.ExpiresAt.IsZero() && k.RevokedAt.IsZero())
	require.Equal(t, 0, s.number(t, `select count(*) from api_keys k where k::text like '%' || $1 || '%'`, text))

	second, err := s.IssueAPIKey(t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "live", ClientID: "newcomer", Scopes: access.Scopes()}, timeAt(1))
	require.NoError(t, err)
	require.NotEqual(t, text, second)
	require.False(t, k.Admits(second, timeAt(1)))

	require.NoError(t, s.RevokeAPIKey(t.Context(), audit.Actor{Name: "test"}, id, timeAt(5)))
	require.NoError(t, s.RevokeAPIKey(t.Context(), audit.Actor{Name: "test"}, id, timeAt(9)))
	k, err = s.APIKey(t.Context(), id)
	require.NoError(t, err)
	require.True(t, k.RevokedAt.Equal(timeAt(5)), "the first word counts")
	require.False(t, k.Admits(text, timeAt(5)))

	_, otherID, _ := access.ParseAPIKey(second)
	other, err := s.APIKey(t.Context(), otherID)
	require.NoError(t, err)
	require.True(t, other.Admits(second, timeAt(9)))
}

func TestAnAPIKeyThatWasNotIssued(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	_, err := s.APIKey(t.Context(), "aaaaaaaaaaaaa")
	require.Equal(t, failure.NotFound, failure.KindOf(err))
	require.Equal(t, failure.NotFound, failure.KindOf(s.RevokeAPIKey(t.Context(), audit.Actor{Name: "test"}, "aaaaaaaaaaaaa", timeAt(0))))
}
