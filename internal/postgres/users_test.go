package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
)

func TestAUserFromTheFirstDayToTheLast(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	read := func(name string) access.User {
		u, err := s.User(t.Context(), name)
		require.NoError(t, err)
		return u
	}
	ana := access.User{Name: "ana", Role: access.Operator, PasswordHash: "h", CreatedAt: timeAt(0)}
	require.NoError(t, s.AddUser(t.Context(), audit.Actor{Name: "test"}, ana))
	require.Equal(t, failure.Conflict, failure.KindOf(s.AddUser(t.Context(), audit.Actor{Name: "test"}, ana)))
	require.NoError(t, s.AddUser(t.Context(), audit.Actor{Name: "test"}, access.User{Name: "a.viewer", Role: access.Viewer, PasswordHash: "i", CreatedAt: timeAt(1)}))
	first := read("ana")
	require.NotEmpty(t, first.Generation)
	ana.Generation = first.Generation
	require.Equal(t, ana, first)
	all, err := s.Users(t.Context())
	require.NoError(t, err)
	require.Equal(t, []access.User{read("a.viewer"), first}, all)

	generations := map[string]bool{first.Generation: true}
	for _, end := range []func() error{
		func() error { return s.RevokeUser(t.Context(), audit.Actor{Name: "test"}, "ana") },
		func() error {
			generation, err := s.SetPassword(t.Context(), audit.Actor{Name: "test"}, "ana", "another")
			require.Equal(t, read("ana").Generation, generation, "whose sessions go on")
			return err
		},
		func() error {
			if err := s.RemoveUser(t.Context(), audit.Actor{Name: "test"}, "ana"); err != nil {
				return err
			}
			return s.AddUser(t.Context(), audit.Actor{Name: "test"}, ana)
		},
	} {
		require.NoError(t, end())
		require.False(t, generations[read("ana").Generation], "each ends the sessions there are")
		generations[read("ana").Generation] = true
	}
	require.NoError(t, s.RemoveUser(t.Context(), audit.Actor{Name: "test"}, "ana"))
	_, err = s.SetPassword(t.Context(), audit.Actor{Name: "test"}, "ana", "h")
	for _, err := range []error{err, s.RemoveUser(t.Context(), audit.Actor{Name: "test"}, "ana"), s.RevokeUser(t.Context(), audit.Actor{Name: "test"}, "ana")} {
		require.Equal(t, failure.NotFound, failure.KindOf(err))
	}
	_, err = s.User(t.Context(), "ana")
	require.Equal(t, failure.NotFound, failure.KindOf(err))
}
