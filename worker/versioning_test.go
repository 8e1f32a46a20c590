package worker

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

func TestWhichBuildBecomesCurrent(t *testing.T) {
	t.Parallel()
	auto, manual, without := Versioning{BuildID: "new"}, Versioning{BuildID: "new", Manual: true}, Versioning{}
	for name, row := range map[string]struct {
		build         Versioning
		found         deployment
		wants, atOnce bool
	}{
		"the first start":                       {auto, deployment{polling: map[string]int{"new": 1}}, true, true},
		"the first start, by hand from then on": {manual, deployment{polling: map[string]int{"new": 1}}, true, true},
		"it does not ask for tasks yet":         {auto, deployment{polling: map[string]int{}}, false, false},
		"it is current":                         {auto, deployment{current: "new", chosen: true, polling: map[string]int{"new": 1, "old": 5}}, false, false},
		"workers without a version are many":    {auto, deployment{polling: map[string]int{"": 4, "new": 2}}, false, false},
		"half of them are replaced":             {auto, deployment{polling: map[string]int{"": 2, "new": 2}}, true, false},
		"a release begins":                      {auto, deployment{current: "old", chosen: true, polling: map[string]int{"old": 8, "new": 2}}, false, false},
		"a release is half done":                {auto, deployment{current: "old", chosen: true, polling: map[string]int{"old": 4, "new": 4}}, true, false},
		"an old worker restarts":                {auto, deployment{current: "newer", chosen: true, tried: true, polling: map[string]int{"newer": 4, "new": 4}}, false, false},
		"a release is rolled back":              {auto, deployment{current: "newer", chosen: true, tried: true, polling: map[string]int{"newer": 3, "new": 5}}, true, false},
		"the old workers were stopped before":   {auto, deployment{current: "old", chosen: true, polling: map[string]int{"new": 1}}, true, true},
		"back to a build that was current":      {auto, deployment{current: "newer", chosen: true, tried: true, polling: map[string]int{"new": 1}}, true, false},
		"an operator ramps":                     {auto, deployment{current: "old", chosen: true, ramping: true, polling: map[string]int{"old": 1, "new": 4}}, false, false},
		"an operator decides":                   {manual, deployment{current: "old", chosen: true, polling: map[string]int{"old": 1, "new": 4}}, false, false},
		"nobody else is left":                   {manual, deployment{current: "old", chosen: true, polling: map[string]int{"new": 4}}, true, false},
		"versions are switched off":             {without, deployment{current: "old", chosen: true, polling: map[string]int{"old": 1, "": 3}}, true, false},
		"versions were never switched on":       {without, deployment{polling: map[string]int{"": 3}}, false, false},
	} {
		wants, atOnce := row.build.wants(row.found)
		require.Equal(t, row.wants, wants, name)
		require.Equal(t, row.atOnce, atOnce, name)
	}
}

// With versions that need no operator, a first build serves payments at once. A new one serves those that are open when the old one has
// been stopped, and so do workers without versions after it.
func TestABuildTakesOverOpenPayments(t *testing.T) {
	t.Parallel()
	at, provider := newOwnEnv(t)
	ready := false
	for i, build := range []string{"one", "two", ""} {
		w, _ := newWorker(t, at)
		w.Versioning.BuildID = build
		if !ready {
			eventually(t, func() bool { return workflows.AddSearchAttributes(t.Context(), w.Temporal, at.namespace) == nil }, "Temporal")
			_, err := w.Database.IssueAPIKey(t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "test", ClientID: "shop", Scopes: access.Scopes()}, time.Now())
			require.NoError(t, err)
			ready = true
		}
		stop := run(t, w)
		stands := func(n int, status payment.Status) {
			eventually(t, func() bool {
				p, err := w.Database.Payment(t.Context(), wish(fmt.Sprint(n)).PaymentID)
				return err == nil && p.Status == status
			}, fmt.Sprintf("payment %d is %s with build %q", n, status, build))
		}
		eventually(t, func() bool { _, err := w.Workflows.Create(t.Context(), wish(fmt.Sprint(i))); return err == nil }, "it is accepted")
		stands(i, payment.Pending)
		if i > 0 { // the one that the build before has begun
			before := wish(fmt.Sprint(i - 1)).PaymentID
			p, err := w.Database.Payment(t.Context(), before)
			require.NoError(t, err)
			require.NoError(t, provider.Pay(p.Provider.PaymentID))
			require.NoError(t, w.Workflows.Signal(t.Context(), before))
			stands(i-1, payment.Approved)
		}
		stop()
	}
}
