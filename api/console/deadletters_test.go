package console

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/session"
	"github.com/onlywave/onlywave/workflows"
)

// keepDeadLetter stores a dead letter and returns its id.
func (e *env) keepDeadLetter(name string, change func(*deadletter.Message)) string {
	e.t.Helper()
	l := deadletter.Message{
		ID: deadletter.NewID(name, "q"), Source: deadletter.FromWebhook, Cause: deadletter.CauseInvalid, Fingerprint: "0f7c1f4e4d1c4f0a",
		Error: "the database refused the request", State: deadletter.Open, Deaths: 1, DiedAt: born,
		Original: deadletter.Original{ID: name, Queue: "q", Exchange: "e", Key: "k", Body: []byte("buyer@example.com"), SentAt: born},
		Trail:    []deadletter.Attempt{{Attempt: 1, At: born, Error: "no"}},
	}
	if change != nil {
		change(&l)
	}
	_, err := e.store.KeepDeadLetters(e.t.Context(), []deadletter.Message{l})
	require.NoError(e.t, err)
	return l.ID
}

func TestDeadLettersAreFiltered(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	id := e.keepDeadLetter("a", nil)
	e.keepDeadLetter("b", func(l *deadletter.Message) {
		l.Cause, l.Source, l.Fingerprint, l.DiedAt = deadletter.CauseInternal, deadletter.FromWorkflow, "ffffffffffffffff", born.Add(time.Second)
	})
	_, err := e.store.DiscardDeadLetter(t.Context(), audit.Actor{Name: "ops"}, e.keepDeadLetter("c", nil), "old")
	require.NoError(t, err)
	b := e.as(e.operator)
	require.Equal(t, []string{"internal workflow", "invalid webhook"}, b.get("/console/dead-letters").column("dead-letters", "Cause"))
	require.Len(t, b.get("/console/dead-letters?state=any").column("dead-letters", "Cause"), 3)
	narrow := b.get("/console/dead-letters?fingerprint=0f7c1f4e4d1c4f0a&cause=invalid")
	require.Equal(t, []string{id[:8]}, narrow.column("dead-letters", "Dead letter"))
	require.Equal(t, deadletter.CauseInvalid.Advice(), narrow.says(".advice"))
	for _, wrong := range []string{"cause=nonsense", "state=nonsense", "fingerprint=zz", "payment_id=x"} {
		p := b.get("/console/dead-letters?" + wrong)
		require.Equal(t, http.StatusUnprocessableEntity, p.status)
		require.Contains(t, p.says(".failure li"), wrong[:strings.Index(wrong, "=")])
	}
	require.Equal(t, http.StatusNotFound, b.get("/console/dead-letters/"+deadletter.NewID("none", "")).status)
}

// A form that is sent twice starts one redrive, in the name of the user.
func TestADeadLetterIsRedrivenOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	e.redriver.state = workflows.RedriveRunning
	id := e.keepDeadLetter("m", nil)
	b := e.as(e.operator)
	shown := b.get("/console/dead-letters/" + id)
	for range 2 {
		p := b.press(shown, "redrive", "reason", "mended")
		in := e.redriver.only(t)
		require.Equal(t, deadletter.Order{ID: in.ID, Actor: e.operator, Plan: deadletter.Plan{Reason: "mended", Filter: deadletter.Filter{IDs: []string{id}}}}, in)
		require.Equal(t, "/console/redrives/"+in.ID, p.path)
		require.Equal(t, "2", p.Find("meta[http-equiv=refresh]").AttrOr("content", ""), "the page reloads by itself")
		require.Equal(t, "2 of 3", p.says("progress"))
	}
	require.Equal(t, 1, strings.Count(e.logs.String(), `"action":"redrive"`))
	require.Equal(t, []string{"redrive/" + e.redriver.only(t).ID}, b.get("/console/audit?action=redrive.start&actor="+e.operator).column("entries", "Object"))

	e.redriver.state = workflows.RedriveDone
	require.Zero(t, b.get("/console/redrives/"+e.redriver.only(t).ID).Find("meta[http-equiv=refresh]").Length())
	require.Equal(t, http.StatusNotFound, b.get("/console/redrives/"+deadletter.NewRedriveID("x", "y")).status)
	require.Equal(t, http.StatusUnprocessableEntity, b.post("/console/dead-letters/"+id+"/redrive").status, "a form needs its key")

	// A closed dead letter is not redriven, but a request may be repeated.
	_, err := e.store.DiscardDeadLetter(t.Context(), audit.Actor{Name: "ops"}, id, "old")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, b.press(shown, "redrive", "reason", "mended").status)
	require.Equal(t, http.StatusConflict, b.post("/console/dead-letters/"+id+"/redrive", "key", "another").status)
	e.redriver.only(t)
}

func TestADeadLetterIsDiscardedWithAReason(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	id := e.keepDeadLetter("m", nil)
	b := e.as(e.operator)
	shown := b.get("/console/dead-letters/" + id)
	for _, reason := range []string{"", " ", "4111 1111 1111 1111", strings.Repeat("é", audit.MaxReason+1)} {
		require.Equal(t, http.StatusUnprocessableEntity, b.press(shown, "discard", "reason", reason).status)
	}
	for range 2 {
		p := b.press(shown, "discard", "reason", "of no use")
		require.Equal(t, "The dead letter is discarded.", p.says(".notice"))
		require.Contains(t, p.says("dl"), "by "+e.operator+" : of no use")
		require.Zero(t, p.Find("#actions").Length())
	}
	require.Equal(t, http.StatusConflict, b.press(shown, "discard", "reason", "another word").status)
	trail := b.get("/console/audit?object=dead_letter/" + id)
	require.Equal(t, []string{"of no use state: open → discarded"}, trail.column("entries", "Reason and changes"))
	l, err := e.store.DeadLetter(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, []string{string(deadletter.Discarded), e.operator, "of no use"}, []string{string(l.State), l.ClosedBy, l.Reason})
	require.Empty(t, b.get("/console/dead-letters").says(".notice"), "a notice is shown once")
}

func TestManyDeadLettersAreCountedBeforeTheyAreRedriven(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	e.redriver.state = workflows.RedriveDryRun
	e.keepDeadLetter("m", nil)
	b := e.as(e.operator)
	require.Zero(t, b.get("/console/dead-letters").Find("#redrive-many").Length(), "a filter is required")
	form := b.get("/console/dead-letters?cause=invalid")
	p := b.press(form, "redrive-all", "reason", "mended")
	in := e.redriver.only(t)
	require.Equal(t, deadletter.Order{ID: in.ID, Actor: e.operator, Plan: deadletter.Plan{
		Reason: "mended", Filter: deadletter.Filter{Cause: deadletter.CauseInvalid},
		DryRun: true, Canary: 1, CanaryWait: time.Minute, Rate: 10, StopAfter: 5,
	}}, in)
	require.Equal(t, "3 dead letters would be sent. Nothing was sent.", p.says(".lead"))
	for _, wrong := range [][]string{
		{"cause", "invalid"}, {"reason", "r"}, {"cause", "nonsense", "reason", "r"}, {"cause", "invalid", "reason", "r", "canary", "101"},
		{"cause", "invalid", "reason", "r", "rate", "-1"}, {"cause", "invalid", "reason", "r", "stop_after_errors", "x"},
	} {
		require.Equal(t, http.StatusUnprocessableEntity, b.post("/console/redrives", append(wrong, "key", "k")...).status, wrong)
	}
	e.redriver.only(t)

	// The same form without the dry run starts another redrive; with another reason it is refused.
	for range 2 {
		require.Equal(t, http.StatusOK, b.press(form, "redrive-all", "reason", "mended", "dry_run", "").status)
		require.Len(t, e.redriver.started, 2)
	}
	p = b.press(form, "redrive-all", "reason", "another", "dry_run", "")
	require.Equal(t, http.StatusConflict, p.status)
	require.Equal(t, "This form was already sent with other values.", p.says(".lead"))
	require.Len(t, e.redriver.started, 2)
}
