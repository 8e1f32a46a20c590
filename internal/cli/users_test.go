package cli

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// A user is added, changed and removed; the password comes from the input and is not printed.
func TestUsersAreAddedAndRemoved(t *testing.T) {
	t.Parallel()
	url := devstacktest.Start(t, devstack.Postgres).PostgresURL()
	require.NoError(t, postgres.Migrate(t.Context(), url, slog.New(slog.DiscardHandler)))
	name := "ana-" + uuid.NewString()[:8]
	users := func(input string, args ...string) (string, error) {
		var out bytes.Buffer
		command := usersCommand([]string{"DATABASE_URL=" + url}, &out)
		command.SetArgs(args)
		command.SetIn(strings.NewReader(input))
		command.SetOut(&out)
		command.SilenceErrors, command.SilenceUsage = true, true
		err := command.ExecuteContext(t.Context())
		return out.String(), err
	}
	database, err := postgres.Open(t.Context(), url, 1)
	require.NoError(t, err)
	defer database.Close()

	for input, args := range map[string][]string{
		"too short\n":               {"add", name},
		"aaaaaaaaaaaa\n":            {"add", name},
		"senha12345678\n":           {"add", name},
		"correct horse battery\n":   {"add", name, "--role", "king"},
		"correct horse battery\r\n": {"add", "Not A Name"},
	} {
		_, err := users(input, args...)
		require.Error(t, err, args)
	}
	out, err := users("correct horse battery\n", "add", name, "--role", "operator")
	require.NoError(t, err)
	require.NotContains(t, out, "horse")
	_, err = users("another horse battery", "add", name)
	require.ErrorContains(t, err, "already")
	made, err := database.User(t.Context(), name)
	require.NoError(t, err)
	requirePassword(t, made, "correct horse battery")
	list, err := users("", "list")
	require.NoError(t, err)
	require.Regexp(t, name+` +operator`, list)
	require.NotContains(t, list, "argon2")

	_, err = users("", "revoke", name)
	require.NoError(t, err)
	revoked, err := database.User(t.Context(), name)
	require.NoError(t, err)
	require.NotEqual(t, made.Generation, revoked.Generation)
	_, err = users("another horse battery", "password", name)
	require.NoError(t, err)
	changed, err := database.User(t.Context(), name)
	require.NoError(t, err)
	requirePassword(t, changed, "another horse battery")
	require.NotEqual(t, revoked.Generation, changed.Generation)
	_, err = users("", "remove", name)
	require.NoError(t, err)
	for _, args := range [][]string{{"remove", name}, {"revoke", name}, {"password", name}} {
		_, err = users("correct horse battery", args...)
		require.ErrorContains(t, err, "there is no user "+name)
	}
}

func requirePassword(t *testing.T, u access.User, password string) {
	t.Helper()
	is, err := access.PasswordMatches(t.Context(), access.Guesses, u.PasswordHash, password)
	require.NoError(t, err)
	require.True(t, is)
}
