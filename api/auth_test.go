package api

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
)

func TestKeysAreNeeded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	wrongSecret := []byte(f.key)
	wrongSecret[len(wrongSecret)-20] ^= 1
	unknown, _ := access.NewAPIKey("test", "shop", access.Scopes(), born)
	for _, header := range []string{"", "Bearer", "Bearer ", "Basic " + f.key, f.key, "Bearer x", "Bearer " + string(wrongSecret), "Bearer " + unknown} {
		w := f.get(t, "/v1/payments", "Authorization", header)
		require.Equal(t, http.StatusUnauthorized, w.Code, header)
		require.Contains(t, w.Header().Get("WWW-Authenticate"), "Bearer")
		require.Equal(t, "unauthorized", decode[Problem](t, w).Code)
	}
	require.Equal(t, http.StatusOK, f.get(t, "/v1/payments", "Authorization", "bearer "+f.key).Code)
	require.NotContains(t, f.logs.String(), "ow_test")
	require.Contains(t, f.logs.String(), `"client_id":"shop"`)
}

// A key of the other environment is refused even when the database has it, and the detail says why.
func TestKeysAreOfOneEnvironment(t *testing.T) {
	t.Parallel()
	for here, there := range map[string]string{"test": "live", "live": "test"} {
		f := newFixture(t)
		f.server.config.Environment = here
		kept := func(environment string) string {
			text, key := access.NewAPIKey(environment, "shop", access.Scopes(), born)
			f.database.keys[key.ID] = key
			return "Bearer " + text
		}
		w := f.get(t, "/v1/payments", "Authorization", kept(there))
		require.Equal(t, http.StatusUnauthorized, w.Code)
		require.Contains(t, decode[Problem](t, w).Detail, "this is "+here)
		require.Contains(t, w.Header().Get("WWW-Authenticate"), "invalid_token")
		require.Zero(t, f.database.reads)
		require.Equal(t, http.StatusOK, f.get(t, "/v1/payments", "Authorization", kept(here)).Code)

		disguised := strings.Replace(kept(there), "ow_"+there, "ow_"+here, 1)
		w = f.get(t, "/v1/payments", "Authorization", disguised)
		require.Equal(t, http.StatusUnauthorized, w.Code)
		require.Contains(t, decode[Problem](t, w).Detail, "wrong")
	}
}

func TestScopesAreNeeded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := f.create(t, "k", goodBody, "Authorization", "Bearer "+f.readKey)
	require.Equal(t, http.StatusForbidden, w.Code)
	require.Contains(t, w.Header().Get("WWW-Authenticate"), `scope="payments:write"`)
	golden(t, "problem_scope", w)
	require.Empty(t, f.engine.asked)
	require.Equal(t, http.StatusOK, f.get(t, "/v1/payments", "Authorization", "Bearer "+f.readKey).Code)
}

func TestExpiredAndRevokedKeysAreRefused(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*access.APIKey){
		"expired": func(k *access.APIKey) { k.ExpiresAt = time.Now().Add(-time.Second) },
		"revoked": func(k *access.APIKey) { k.RevokedAt = time.Now().Add(-time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			_, id, _ := access.ParseAPIKey(f.key)
			key := f.database.keys[id]
			end(&key)
			f.database.keys[id] = key
			require.Equal(t, http.StatusUnauthorized, f.get(t, "/v1/payments").Code)
		})
	}
}

// A key is read once in five seconds, and a revoked key stops working within five seconds.
func TestKeysAreRememberedForFiveSeconds(t *testing.T) {
	database := newMemory()
	text, key := access.NewAPIKey("test", "shop", access.Scopes(), born)
	database.keys[key.ID] = key
	synctest.Test(t, func(t *testing.T) {
		s := &Server{config: Config{Environment: "test"}, keys: newKeys(database)}
		admits := func(text string) bool {
			key, err := s.validKey(t.Context(), text, access.ScopePaymentsRead, func() error { return nil })
			require.NoError(t, err)
			return key != nil
		}
		unknown, _ := access.NewAPIKey("test", "shop", access.Scopes(), born)
		for range 3 {
			require.True(t, admits(text))
			require.False(t, admits(unknown))
		}
		require.Equal(t, 2, database.reads)

		key.RevokedAt = time.Now()
		database.keys[key.ID] = key
		time.Sleep(keyMemory + time.Millisecond)
		require.False(t, admits(text))
		require.Equal(t, 3, database.reads)
	})
}

// A key expires on time, also in a process that remembers it.
func TestAKeyExpiresWhileItIsRemembered(t *testing.T) {
	database := newMemory()
	text, key := access.NewAPIKey("test", "shop", access.Scopes(), born)
	synctest.Test(t, func(t *testing.T) {
		key.ExpiresAt = time.Now().Add(keyMemory / 2)
		database.keys[key.ID] = key
		s := &Server{config: Config{Environment: "test"}, keys: newKeys(database)}
		admits := func() bool {
			key, err := s.validKey(t.Context(), text, access.ScopePaymentsWrite, func() error { return nil })
			require.NoError(t, err)
			return key != nil
		}
		require.True(t, admits())
		time.Sleep(keyMemory/2 - time.Millisecond)
		require.True(t, admits())
		time.Sleep(time.Millisecond)
		require.False(t, admits())
		require.Equal(t, 1, database.reads)
	})
}

func TestKeysNeedTheDatabase(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.database.setUnavailable(errUnavailable)
	kept := f.database.keys
	f.database.keys = nil
	w := f.get(t, "/v1/payments")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "2", w.Header().Get("Retry-After"))
	f.database.setUnavailable(nil)
	f.database.keys = kept
	require.Equal(t, http.StatusOK, f.get(t, "/v1/payments").Code, "a failed read is not remembered as a missing key")
}

// While the database is unavailable no key can be revoked: a key that was valid may read payments for some time, and change nothing.
func TestAKnownKeyReadsWhileTheDatabaseIsUnavailable(t *testing.T) {
	database := newMemory()
	text, key := access.NewAPIKey("test", "shop", access.Scopes(), born)
	database.keys[key.ID] = key
	synctest.Test(t, func(t *testing.T) {
		s := &Server{config: Config{Environment: "test"}, keys: newKeys(database)}
		ask := func(scope access.Scope) (bool, error) {
			key, err := s.validKey(t.Context(), text, scope, func() error { return nil })
			return key != nil, err
		}
		admitted, err := ask(access.ScopePaymentsWrite)
		require.NoError(t, err)
		require.True(t, admitted)

		database.setUnavailable(errUnavailable)
		database.keys = nil // a revoked key would be found here
		time.Sleep(keyMemory + time.Millisecond)
		for range 3 {
			admitted, err = ask(access.ScopePaymentsRead)
			require.NoError(t, err)
			require.True(t, admitted)
		}
		require.Equal(t, 2, database.reads, "not every request waits for the database")
		for _, scope := range []access.Scope{access.ScopePaymentsWrite, access.ScopeOperationsRead, access.ScopeOperationsWrite} {
			_, err = ask(scope)
			require.ErrorIs(t, err, errUnavailable)
		}

		key.RevokedAt = time.Now()
		database.keys = map[string]access.APIKey{key.ID: key}
		database.setUnavailable(nil)
		time.Sleep(keyMemory + time.Millisecond)
		admitted, err = ask(access.ScopePaymentsRead)
		require.NoError(t, err)
		require.False(t, admitted, "a revoked key stops working within keyMemory")

		key.RevokedAt = time.Time{}
		database.keys = map[string]access.APIKey{key.ID: key}
		time.Sleep(keyMemory + time.Millisecond)
		admitted, err = ask(access.ScopePaymentsRead)
		require.NoError(t, err)
		require.True(t, admitted)
		database.setUnavailable(errUnavailable)
		database.keys = nil
		time.Sleep(keyGrace + time.Millisecond)
		_, err = ask(access.ScopePaymentsRead)
		require.ErrorIs(t, err, errUnavailable, "and only for keyGrace")
	})
}
