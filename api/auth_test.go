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

// A key of the other environment is refused though the record knows it, as a copy of another's would, and its owner is told why.
func TestKeysAreOfOneEnvironment(t *testing.T) {
	t.Parallel()
	for here, there := range map[string]string{"test": "live", "live": "test"} {
		f := newFixture(t)
		f.server.config.Environment = here
		kept := func(environment string) string {
			text, key := access.NewAPIKey(environment, "shop", access.Scopes(), born)
			f.record.keys[key.ID] = key
			return "Bearer " + text
		}
		w := f.get(t, "/v1/payments", "Authorization", kept(there))
		require.Equal(t, http.StatusUnauthorized, w.Code)
		require.Contains(t, decode[Problem](t, w).Detail, "this platform is "+here)
		require.Contains(t, w.Header().Get("WWW-Authenticate"), "invalid_token")
		require.Zero(t, f.record.reads)
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
			key := f.record.keys[id]
			end(&key)
			f.record.keys[id] = key
			require.Equal(t, http.StatusUnauthorized, f.get(t, "/v1/payments").Code)
		})
	}
}

// A key is read once in five seconds, and a revoked one stops working within them.
func TestKeysAreRememberedForFiveSeconds(t *testing.T) {
	record := newMemory()
	text, key := access.NewAPIKey("test", "shop", access.Scopes(), born)
	record.keys[key.ID] = key
	synctest.Test(t, func(t *testing.T) {
		s := &Server{config: Config{Environment: "test"}, keys: newKeys(record)}
		admits := func(text string) bool {
			key, err := s.admitted(t.Context(), text, access.ScopePaymentsRead, func() error { return nil })
			require.NoError(t, err)
			return key != nil
		}
		unknown, _ := access.NewAPIKey("test", "shop", access.Scopes(), born)
		for range 3 {
			require.True(t, admits(text))
			require.False(t, admits(unknown))
		}
		require.Equal(t, 2, record.reads)

		key.RevokedAt = time.Now()
		record.keys[key.ID] = key
		time.Sleep(keyMemory + time.Millisecond)
		require.False(t, admits(text))
		require.Equal(t, 3, record.reads)
	})
}

// A key that ends by itself does so at its time, also in a process that remembers it.
func TestAKeyExpiresWhileItIsRemembered(t *testing.T) {
	record := newMemory()
	text, key := access.NewAPIKey("test", "shop", access.Scopes(), born)
	synctest.Test(t, func(t *testing.T) {
		key.ExpiresAt = time.Now().Add(keyMemory / 2)
		record.keys[key.ID] = key
		s := &Server{config: Config{Environment: "test"}, keys: newKeys(record)}
		admits := func() bool {
			key, err := s.admitted(t.Context(), text, access.ScopePaymentsWrite, func() error { return nil })
			require.NoError(t, err)
			return key != nil
		}
		require.True(t, admits())
		time.Sleep(keyMemory/2 - time.Millisecond)
		require.True(t, admits())
		time.Sleep(time.Millisecond)
		require.False(t, admits())
		require.Equal(t, 1, record.reads)
	})
}

func TestKeysNeedTheRecord(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record.setAway(errAway)
	kept := f.record.keys
	f.record.keys = nil
	w := f.get(t, "/v1/payments")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "2", w.Header().Get("Retry-After"))
	f.record.setAway(nil)
	f.record.keys = kept
	require.Equal(t, http.StatusOK, f.get(t, "/v1/payments").Code, "what could not be read was not remembered as missing")
}

// While the record is away nobody can revoke a key: one that was in force goes on reading for a while, and changes nothing.
func TestAKnownKeyReadsWhileTheRecordIsAway(t *testing.T) {
	record := newMemory()
	text, key := access.NewAPIKey("test", "shop", access.Scopes(), born)
	record.keys[key.ID] = key
	synctest.Test(t, func(t *testing.T) {
		s := &Server{config: Config{Environment: "test"}, keys: newKeys(record)}
		ask := func(scope access.Scope) (bool, error) {
			key, err := s.admitted(t.Context(), text, scope, func() error { return nil })
			return key != nil, err
		}
		admitted, err := ask(access.ScopePaymentsWrite)
		require.NoError(t, err)
		require.True(t, admitted)

		record.setAway(errAway)
		record.keys = nil // where a revoked one would not be found to be so
		time.Sleep(keyMemory + time.Millisecond)
		for range 3 {
			admitted, err = ask(access.ScopePaymentsRead)
			require.NoError(t, err)
			require.True(t, admitted)
		}
		require.Equal(t, 2, record.reads, "the record is not waited for each time")
		for _, scope := range []access.Scope{access.ScopePaymentsWrite, access.ScopeOperationsRead, access.ScopeOperationsWrite} {
			_, err = ask(scope)
			require.ErrorIs(t, err, errAway)
		}

		key.RevokedAt = time.Now()
		record.keys = map[string]access.APIKey{key.ID: key}
		record.setAway(nil)
		time.Sleep(keyMemory + time.Millisecond)
		admitted, err = ask(access.ScopePaymentsRead)
		require.NoError(t, err)
		require.False(t, admitted, "a revocation is heard of within keyMemory")

		key.RevokedAt = time.Time{}
		record.keys = map[string]access.APIKey{key.ID: key}
		time.Sleep(keyMemory + time.Millisecond)
		admitted, err = ask(access.ScopePaymentsRead)
		require.NoError(t, err)
		require.True(t, admitted)
		record.setAway(errAway)
		record.keys = nil
		time.Sleep(keyGrace + time.Millisecond)
		_, err = ask(access.ScopePaymentsRead)
		require.ErrorIs(t, err, errAway, "and not for ever")
	})
}
