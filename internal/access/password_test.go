package access

import (
	"context"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
)

func matches(t *testing.T, stored, password string) bool {
	t.Helper()
	matches, err := PasswordMatches(t.Context(), Guesses, stored, password)
	require.NoError(t, err)
	return matches
}

func TestAPasswordMatchesItsHash(t *testing.T) {
	const password = "correct horse battery"
	kept := HashPassword(password)
	require.True(t, strings.HasPrefix(kept, "$argon2id$v=19$m=19456,t=2,p=1$"), kept)
	require.NotEqual(t, kept, HashPassword(password), "each hash has its own salt")
	require.True(t, matches(t, kept, password))
	for _, wrong := range []string{"", "Correct horse battery", password + " "} {
		require.False(t, matches(t, kept, wrong))
	}
	// Hashed by the reference implementation: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1
	require.True(t, matches(t, "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password"))
	for _, broken := range []string{
		"", "x", strings.TrimSuffix(kept, kept[len(kept)-8:]), strings.Replace(kept, "v=19", "v=16", 1), strings.Replace(kept, "t=2", "t=0", 1),
		strings.Replace(kept, "argon2id", "argon2i", 1), kept[:strings.LastIndex(kept, "$")+1],
	} {
		require.False(t, matches(t, broken, password), broken)
	}
	require.False(t, matches(t, kept, strings.Repeat("x", passwordMax+1)))
}

func TestAPasswordMustBeHardToGuess(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"correct horse battery", "xK9#mPq2vL8w", "quatro palavras sem nexo nenhum", "água fria na varanda azul", "onlywave-Ku7!pasta", "tr0ub4dor&3abc",
		strings.Repeat("correct horse battery ", 40),
	} {
		require.Empty(t, CheckPassword(good, "ana"), good)
	}
	for _, bad := range []string{
		"", "short", "aaaaaaaaaaaa", "abababababab", "abcdabcdabcd", "123456789012", "098765432109", "password1234", "qwertyuiop[]", "qwertyqwerty",
		"letmeinletmein", "iloveyouiloveyou", "senhasenhasenha", "minhasenha123", "corinthians1910", "Senha12345678", "onlywave1234", "operator1234",
		"hunter2hunter2", "P@ssw0rd1234", "12/03/1990ana", "admin@123456", strings.Repeat("x", passwordMax+1), strings.Repeat("ab", 400), "correct horse \xff battery",
	} {
		require.NotEmpty(t, CheckPassword(bad, "ana"), bad)
	}
	require.Equal(t, "must not contain the user's name", CheckPassword("Ana.Souza and xK9#mPq2vL8w", "ana.souza"))
	require.Empty(t, CheckPassword("banana split recipe xK9", "an"), "a name of two letters is part of many words")
	require.NotEmpty(t, CheckPassword("souza.ana.2024", "ana.souza"), "nor the parts of the name")
}

// The time of an answer must not reveal whether a user exists: the password is hashed for an unknown user too. The memory of the hash
// shows that.
func TestAnUnknownUserCostsAHashToo(t *testing.T) {
	allocated := func(f func()) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	kept := HashPassword("correct horse battery")
	for _, stored := range []string{kept, ""} {
		require.GreaterOrEqual(t, allocated(func() { require.False(t, matches(t, stored, "a guess")) }), uint64(hashMemory<<10))
	}
}

// When a lane is full a log-in is refused in time, and nothing is hashed for a client that has gone.
func TestAFullLaneRefuses(t *testing.T) {
	kept := HashPassword("correct horse battery")
	for range cap(Guesses) {
		Guesses <- struct{}{}
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	_, err := PasswordMatches(gone, Guesses, kept, "correct horse battery")
	require.Equal(t, failure.Limited, failure.KindOf(err))
	proven, err := PasswordMatches(t.Context(), Proven, kept, "correct horse battery")
	require.NoError(t, err, "a log-in with proof does not wait behind guesses")
	require.True(t, proven)
	for range cap(Guesses) {
		<-Guesses
	}
	require.True(t, matches(t, kept, "correct horse battery"))
}
