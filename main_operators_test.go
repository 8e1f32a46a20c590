package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

// A command refuses what REST and the console refuse, in words that name the flag, and changes nothing.
func TestCommandsRefuseWhatTheOtherDoorsRefuse(t *testing.T) {
	t.Parallel()
	id := payment.NewDeadLetterID(t.Name(), "")
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
		"fewer than no letters":        {[]string{"dead-letters", "list", "--limit", "-1"}, []string{"--limit must be"}},
		"an id that is none":           {[]string{"dead-letters", "show", "x"}, []string{"there is no dead letter with this id"}},
		"a letter that is not there":   {[]string{"dead-letters", "show", id}, []string{"there is no dead letter with this id"}},
		"a rate below nothing":         {redriveArgs("--rate", "-5"), []string{"--rate must be a whole number from 0 to 1000"}},
		"canaries below nothing":       {redriveArgs("--canary", "-1", "--stop-after", "-1"), []string{"--canary must be", "--stop-after must be"}},
		"a wait of two days":           {redriveArgs("--canary-wait", "48h"), []string{"--canary-wait must be"}},
		"a redrive of an unknown kind": {redriveArgs("--source", "mail"), []string{"--source must be webhook or workflow"}},
		"a redrive of everything": {
			[]string{"dead-letters", "redrive", "--actor", "ana", "--reason", "all"}, []string{"nobody means all of them"}},
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
		"a kind of finding that is none": {[]string{"reconcile", "findings", "--kind", "orphan"}, []string{"--kind must be one of difference"}},
		"fewer than no findings":         {[]string{"reconcile", "findings", "--limit", "0"}, []string{"--limit must be"}},
		"an id that is no finding's":     {[]string{"reconcile", "close", "x", "--actor", "ana", "--reason", "r"}, []string{`"x" is no finding's id`}},
		"a finding that is not there":    {[]string{"reconcile", "close", "987654", "--actor", "ana", "--reason", "r"}, []string{"there is no finding with this id"}},
		"nobody who closes a finding":    {[]string{"reconcile", "close", "7"}, []string{"--actor must say who does it", "--reason must say why"}},
		"nobody who holds a breaker":     {[]string{"breakers", "close", "read"}, []string{"--actor must say who does it", "--reason must say why"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out output
			err := run(within(t), c.args, environ, &out)
			require.Error(t, err, out.String())
			for _, says := range c.says {
				require.ErrorContains(t, err, says)
			}
			require.NotContains(t, err.Error(), "4111", "what is secret is not repeated")
			require.Empty(t, out.String())
		})
	}
}

func redriveArgs(more ...string) []string {
	return append([]string{"dead-letters", "redrive", "--cause", "handler-panic", "--actor", "ana", "--reason", "mended"}, more...)
}

// operatorEnv is what an operator's shell has set.
func operatorEnv() []string {
	return []string{
		"DATABASE_URL=" + platform.Stack.PostgresURL(), "TEMPORAL_ADDRESS=" + platform.Stack.TemporalAddress(),
		"REDIS_URL=" + platform.Stack.RedisURL(), "RABBITMQ_URLS=" + platform.Stack.RabbitMQURL(),
	}
}
