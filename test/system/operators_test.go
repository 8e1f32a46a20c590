package system

import (
	"os"
	"os/user"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/cli"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/test/platform"
)

// A command refuses what REST and the console refuse, in words that name the flag, and changes nothing.
func TestCommandsRefuseWhatTheAPIAndConsoleRefuse(t *testing.T) {
	t.Parallel()
	id := deadletter.NewID(t.Name(), "")
	environ := operatorEnv()
	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"a state that is none": {
			[]string{"dead-letters", "list", "--state", "opne"}, []string{"--state must be open, redriven, discarded, resolved or any"}},
		"a cause that is none": {
			[]string{"dead-letters", "list", "--cause", "invald"}, []string{"--cause must be one of", "handler-panic"}},
		"a source and a fingerprint that are none": {
			[]string{"dead-letters", "list", "--source", "mail", "--fingerprint", "xyz"}, []string{"--source must be webhook or workflow", "--fingerprint must be"}},
		"fewer than no dead letters":      {[]string{"dead-letters", "list", "--limit", "-1"}, []string{"--limit must be"}},
		"an id that is none":              {[]string{"dead-letters", "show", "x"}, []string{"there is no dead letter with this id"}},
		"a dead letter that is not there": {[]string{"dead-letters", "show", id}, []string{"there is no dead letter with this id"}},
		"a rate below nothing":            {redriveArgs("--rate", "-5"), []string{"--rate must be a whole number from 0 to 1000"}},
		"canaries below nothing":          {redriveArgs("--canary", "-1", "--stop-after", "-1"), []string{"--canary must be", "--stop-after must be"}},
		"a wait of two days":              {redriveArgs("--canary-wait", "48h"), []string{"--canary-wait must be"}},
		"a redrive of an unknown kind":    {redriveArgs("--source", "mail"), []string{"--source must be webhook or workflow"}},
		"a redrive of everything": {
			[]string{"dead-letters", "redrive", "--actor", "ana", "--reason", "all"}, []string{"must select by ids"}},
		"a card number as the reason of a redrive": {redriveArgs("--reason", "card 4111 1111 1111 1111"), []string{"--reason must not contain a card number"}},
		"a card number as the reason of a discard": {
			[]string{"dead-letters", "discard", id, "--actor", "ana", "--reason", "card 4111111111111111"}, []string{"--reason must not contain a card number"}},
		"nobody who discards": {
			[]string{"dead-letters", "discard", id}, []string{"--actor must say who does it", "--reason must say why"}},
		"markup as the name of who discards": {
			[]string{"dead-letters", "discard", id, "--actor", "<b>ana</b>", "--reason", "r"}, []string{"--actor must"}},
		"a card number as the reason of a breaker": {
			[]string{"breakers", "open", "read", "--actor", "ana", "--reason", "4111-1111-1111-1111"}, []string{"--reason must not contain a card number"}},
		"a line break in the name of who holds a breaker": {
			[]string{"breakers", "open", "read", "--actor", "ana\nben", "--reason", "r"}, []string{"--actor must"}},
		"a kind of finding that is none":     {[]string{"reconcile", "findings", "--kind", "orphan"}, []string{"--kind must be one of difference"}},
		"fewer than no findings":             {[]string{"reconcile", "findings", "--limit", "0"}, []string{"--limit must be"}},
		"an id that is no finding's":         {[]string{"reconcile", "close", "x", "--actor", "ana", "--reason", "r"}, []string{`"x" is not the id of a finding`}},
		"a finding that is not there":        {[]string{"reconcile", "close", "987654", "--actor", "ana", "--reason", "r"}, []string{"there is no finding with this id"}},
		"nobody who closes a finding":        {[]string{"reconcile", "close", "7"}, []string{"--actor must say who does it", "--reason must say why"}},
		"a client without a name":            {[]string{"keys", "create", "--client", ""}, []string{"--client must not be empty"}},
		"a client with a line break":         {[]string{"keys", "create", "--client", "shop\nother"}, []string{"--client must not contain line breaks"}},
		"a client with markup":               {[]string{"keys", "create", "--client", "<b>shop</b>"}, []string{"--client must not contain <"}},
		"a client with a very long name":     {[]string{"keys", "create", "--client", strings.Repeat("x", 65)}, []string{"--client must have at most 64 characters"}},
		"a scope that is none":               {[]string{"keys", "create", "--client", "shop", "--scopes", "all"}, []string{"--scopes must be one or more of payments:read, payments:write"}},
		"a key without a scope":              {[]string{"keys", "create", "--client", "shop", "--scopes", ""}, []string{"--scopes must"}},
		"a key that has expired":             {[]string{"keys", "create", "--client", "shop", "--expires", "2020-01-01"}, []string{"--expires must be in the future"}},
		"a key that expires at no time":      {[]string{"keys", "create", "--client", "shop", "--expires", "soon"}, []string{"--expires must look like"}},
		"a key that is not there":            {[]string{"keys", "revoke", "--id", "aaaaaaaaaaaaa"}, []string{"there is no API key with this id"}},
		"a key made by markup":               {[]string{"keys", "create", "--client", "shop", "--actor", "<b>"}, []string{"--actor must not"}},
		"a user without a name":              {[]string{"users", "add", ""}, []string{"NAME must"}},
		"a user of a role that is none":      {[]string{"users", "add", "ana", "--role", "king"}, []string{"--role must be operator or viewer"}},
		"an audit of an action that is none": {[]string{"audit", "list", "--action", "users"}, []string{"--action must be one of", "user.add"}},
		"a note of what notes itself": {
			[]string{"audit", "note", "--action", "payment.settle", "--object", "payment/x", "--actor", "ana", "--reason", "r"}, []string{"--action must be one of payment.reset"}},
		"a note on nothing": {
			[]string{"audit", "note", "--action", "payment.reset", "--object", "x", "--reason", "4111 1111 1111 1111"}, []string{"--object must be", "--actor must", "--reason must not contain a card number"}},
		"nobody who holds a breaker": {[]string{"breakers", "close", "read"}, []string{"--actor must say who does it", "--reason must say why"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out output
			err := cli.Run(within(t), c.args, environ, &out)
			require.Error(t, err, out.String())
			for _, says := range c.says {
				require.ErrorContains(t, err, says)
			}
			require.NotContains(t, err.Error(), "4111", "what is secret is not repeated")
			require.Empty(t, out.String())
		})
	}
}

// What the platform prints for somebody's shell is enough for every command.
func TestCommandsNeedNoMoreThanThePlatformSays(t *testing.T) {
	t.Parallel()
	_, exports, found := strings.Cut(shared.Addresses(), "export ")
	require.True(t, found)
	exports, _, _ = strings.Cut(exports, "\n")
	environ := strings.Fields(strings.ReplaceAll(exports, "'", ""))
	for _, part := range []config.Part{
		config.Keys, config.Users, config.Breakers, config.Reconcile, config.Findings, config.DeadLetters, config.Payments, config.Prune, config.Audit,
	} {
		_, err := config.Load(part, environ)
		require.NoError(t, err, part)
	}
}

// The audit has each change: by whom, from where, when, and the state before and after.
func TestWhatOperatorsDoIsOnRecord(t *testing.T) {
	t.Parallel()
	store, err := postgres.Open(t.Context(), shared.Stack.PostgresURL(), 1)
	require.NoError(t, err)
	defer store.Close()
	dead := deadletter.Message{
		ID: deadletter.NewID(t.Name(), ""), Source: deadletter.FromWebhook, Cause: deadletter.CauseInvalid, Error: "no",
		Fingerprint: "0123456789abcdee", Deaths: 1, DiedAt: time.Now(), Original: deadletter.Original{ID: t.Name(), Body: []byte("x")},
	}
	open := dead
	open.ID, open.Original.ID = deadletter.NewID(t.Name(), "open"), t.Name()+" open"
	_, err = store.KeepDeadLetters(t.Context(), []deadletter.Message{dead, open})
	require.NoError(t, err)
	command := func(input string, args ...string) string {
		t.Helper()
		var out output
		root := cli.Root(operatorEnv(), &out)
		root.SetArgs(args)
		root.SetIn(strings.NewReader(input))
		require.NoError(t, root.ExecuteContext(within(t)), "%v: %s", args, out.String())
		return out.String()
	}
	actor := "ana-" + uuid.NewString()[:8]
	name := "user-" + uuid.NewString()[:8]
	key := strings.TrimSpace(command("", "keys", "create", "--client", "loja "+name, "--scopes", "payments:read", "--expires", "90d", "--actor", actor))
	_, keyID, ok := access.ParseAPIKey(key)
	require.True(t, ok)
	require.Regexp(t, keyID+` +loja `+name+` +in force .*payments:read`, command("", "keys", "list", "--client", "loja "+name))
	command("", "keys", "revoke", "--id", keyID, "--actor", actor)
	command("", "keys", "revoke", "--id", keyID, "--actor", actor)
	require.Regexp(t, keyID+` +loja `+name+` +revoked`, command("", "keys", "list", "--client", "loja "+name))
	command("a long enough password 1", "users", "add", name, "--role", "viewer", "--actor", actor)
	command("a long enough password 2", "users", "password", name, "--actor", actor)
	command("", "users", "revoke", name, "--actor", actor)
	command("", "users", "remove", name, "--actor", actor)
	command("", "dead-letters", "discard", dead.ID, "--actor", actor, "--reason", "a test")
	command("", "dead-letters", "redrive", dead.ID, "--actor", actor, "--reason", "another", "--dry-run")
	command("", "dead-letters", "redrive", open.ID, "--actor", actor, "--reason", "mended")
	err = cli.Run(within(t), []string{"dead-letters", "redrive", dead.ID, "--actor", actor}, operatorEnv(), &output{})
	require.ErrorContains(t, err, "the dead letter is already discarded")
	command("", "breakers", "close", "email", "--actor", actor, "--reason", "a test")
	command("", "breakers", "automatic", "email", "--actor", actor, "--reason", "done")
	command("", "audit", "note", "--action", "payment.reset", "--object", "payment/"+name, "--actor", actor, "--reason", "a script resets it")

	who, err := user.Current()
	require.NoError(t, err)
	host, err := os.Hostname()
	require.NoError(t, err)
	from := who.Username + "@" + host
	if sudoer := os.Getenv("SUDO_USER"); sudoer != "" {
		from += ", by sudo from " + sudoer
	}
	out := command("", "audit", "list", "--actor", actor)
	lines := strings.Split(strings.TrimSpace(out), "\n")[1:] // the newest first
	for i, want := range []string{
		`payment.reset +payment/` + name + ` +a script resets it`,
		`breaker.set +breaker/email +done .*state: closed → automatic`,
		`breaker.set +breaker/email +a test .*state: automatic → closed`,
		`redrive.start +redrive/\S+ +mended .*ids: ` + open.ID,
		`dead_letter.discard +dead_letter/` + dead.ID + ` +a test .*state: open → discarded`,
		`user.remove +user/` + name + ` .*role: viewer → `,
		`user.revoke +user/` + name,
		`user.password +user/` + name,
		`user.add +user/` + name + ` .*role: viewer`,
		`key.revoke +api_key/` + keyID + ` .*state: in force → revoked`,
		`key.create +api_key/` + keyID + ` .*client: loja ` + name + `.*scopes: payments:read`,
	} {
		require.Regexp(t, actor+` +command +`+want, lines[i])
		require.Contains(t, lines[i], from, "the user of the operating system")
	}
	require.Len(t, lines, 11, "what changes nothing is no action:\n%s", out)
	for _, secret := range []string{key, "long enough", "argon2"} {
		require.NotContains(t, out, secret)
	}
	require.Contains(t, command("", "audit", "list", "--object", "user/"+name, "--action", "user.revoke"), actor)
}

func redriveArgs(more ...string) []string {
	return append([]string{"dead-letters", "redrive", "--cause", "handler-panic", "--actor", "ana", "--reason", "mended"}, more...)
}

// operatorEnv is what an operator's shell has set.
func operatorEnv() []string {
	return []string{
		"DATABASE_URL=" + shared.Stack.PostgresURL(), "TEMPORAL_ADDRESS=" + shared.Stack.TemporalAddress(), "TEMPORAL_PAYLOAD_KEYS=" + platform.PayloadKeys,
		"REDIS_URL=" + shared.Stack.RedisURL(), "RABBITMQ_URLS=" + shared.Stack.RabbitMQURL(),
	}
}
