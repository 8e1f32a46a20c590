package postgres

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
)

// newUser is a user with a second factor and two recovery codes.
func newUser(t *testing.T, s *Store) {
	t.Helper()
	require.NoError(t, s.AddUser(t.Context(), ana, access.User{Name: "rui", Role: access.Operator, PasswordHash: "h", CreatedAt: timeAt(0)}))
	before, err := s.User(t.Context(), "rui")
	require.NoError(t, err)
	generation, err := s.SetSecondFactor(t.Context(), ana, "rui", "sealed", 100, [][]byte{[]byte("one"), []byte("two")})
	require.NoError(t, err)
	u, err := s.User(t.Context(), "rui")
	require.NoError(t, err)
	require.Equal(t, []string{"sealed", generation}, []string{u.SecondFactor, u.Generation})
	require.NotEqual(t, before.Generation, generation, "it ends the sessions there are")
}

// A code admits one log-in, however many try it at once, and each log-in is in the audit once.
func TestACodeIsUsedOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	newUser(t, s)
	for _, p := range []Proof{{Step: 101}, {RecoveryHash: []byte("one")}} {
		var in, refused atomic.Int32
		var group errgroup.Group
		for range 8 {
			group.Go(func() error {
				err := s.LogIn(t.Context(), audit.Entry{Actor: ana, Action: audit.LogIn, Object: "user/rui"}, "rui", p)
				switch failure.KindOf(err) {
				case failure.Conflict:
					refused.Add(1)
					return nil
				}
				in.Add(1)
				return err
			})
		}
		require.NoError(t, group.Wait())
		require.Equal(t, []int32{1, 7}, []int32{in.Load(), refused.Load()})
	}
	for _, old := range []Proof{{Step: 100}, {Step: 101}, {Step: 7}, {RecoveryHash: []byte("one")}, {RecoveryHash: []byte("three")}} {
		err := s.LogIn(t.Context(), audit.Entry{Actor: ana, Action: audit.LogIn, Object: "user/rui"}, "rui", old)
		require.Equal(t, failure.Conflict, failure.KindOf(err), old)
	}
	log, err := s.LogIns(t.Context(), "rui", 10)
	require.NoError(t, err)
	require.Len(t, log, 2)
	left, has, err := s.RecoveryCodes(t.Context(), "rui", []byte("two"))
	require.NoError(t, err)
	require.Equal(t, []any{1, true}, []any{left, has})
	_, has, err = s.RecoveryCodes(t.Context(), "rui", []byte("one"))
	require.NoError(t, err)
	require.False(t, has)
}

func TestWrongCodesAreCountedUntilARightOne(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	newUser(t, s)
	count := func() int {
		u, err := s.User(t.Context(), "rui")
		require.NoError(t, err)
		return u.WrongCodes
	}
	entry := audit.Entry{Actor: ana, Action: audit.LogIn, Object: "user/rui"}
	for _, p := range []Proof{{Step: 102}, {RecoveryHash: []byte("one")}} {
		require.NoError(t, s.WrongCode(t.Context(), "rui"))
		require.NoError(t, s.WrongCode(t.Context(), "rui"))
		require.Equal(t, 2, count())
		require.NoError(t, s.LogIn(t.Context(), entry, "rui", p))
		require.Zero(t, count())
	}
}

func TestASecondFactorIsClearedAndReplaced(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	newUser(t, s)
	require.NoError(t, s.SetRecoveryCodes(t.Context(), ana, "rui", [][]byte{[]byte("three")}))
	_, has, err := s.RecoveryCodes(t.Context(), "rui", []byte("one"))
	require.NoError(t, err)
	require.False(t, has)
	before, err := s.User(t.Context(), "rui")
	require.NoError(t, err)
	require.NoError(t, s.ClearSecondFactor(t.Context(), ana, "rui"))
	u, err := s.User(t.Context(), "rui")
	require.NoError(t, err)
	require.Empty(t, u.SecondFactor)
	require.NotEqual(t, before.Generation, u.Generation, "the sessions that used the old app have ended")
	left, _, err := s.RecoveryCodes(t.Context(), "rui", nil)
	require.NoError(t, err)
	require.Zero(t, left)
	var actions []audit.Action
	for _, e := range s.trail(t, audit.Filter{Object: "user/rui"}) {
		actions = append(actions, e.Action)
	}
	require.Equal(t, []audit.Action{audit.UserSecondFactorReset, audit.UserRecoveryCodes, audit.UserSecondFactor, audit.UserAdd}, actions)
	require.Zero(t, s.number(t, `select count(*) from audit a where a::text ~ 'sealed|three'`), "no secret")

	_, err = s.SetSecondFactor(t.Context(), ana, "nobody", "sealed", 1, nil)
	require.Equal(t, failure.NotFound, failure.KindOf(err))
	require.NoError(t, s.RemoveUser(t.Context(), ana, "rui"))
}
