package payment

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var baseTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// stands is a payment as an answer leaves it.
func stands(s ProviderState) Payment {
	return Payment{Status: s.Status, Refunded: s.Refunded, Provider: Provider{UpdatedAt: s.UpdatedAt}}
}

func said(status Status, refunded int64) ProviderState {
	return ProviderState{Status: status, Refunded: refunded, UpdatedAt: baseTime}
}

func TestALookOfTheSameTimeThatIsFurtherIsLater(t *testing.T) {
	rows := []struct {
		recorded, answer ProviderState
		news             bool
	}{
		{said(Pending, 0), said(Approved, 0), true},
		{said(Pending, 0), said(Expired, 0), true},
		{said(Pending, 0), said(Refunded, 1050), true}, // paid and refunded within the second
		{said(Approved, 0), said(PartiallyRefunded, 500), true},
		{said(Approved, 0), said(Approved, 10), true},
		{said(PartiallyRefunded, 500), said(PartiallyRefunded, 700), true},
		{said(PartiallyRefunded, 700), said(Refunded, 1050), true},
		{said(Approved, 0), said(Approved, 0), false},
		{said(Approved, 0), said(Pending, 0), false},
		{said(Refunded, 1050), said(Approved, 0), false},
		{said(PartiallyRefunded, 700), said(PartiallyRefunded, 500), false},
		{said(Expired, 0), said(Approved, 0), false},
		{said(Approved, 0), said(InDispute, 0), false}, // there is a way back: it is unknown which is later
		{said(InDispute, 0), said(Approved, 0), false},
	}
	for _, row := range rows {
		p := stands(row.recorded)
		require.Equal(t, row.news, p.Outdated(row.answer, true), "%v, then %v", row.recorded, row.answer)
		require.False(t, p.Outdated(row.answer, false), "a creation's answer may be repeated: %v, then %v", row.recorded, row.answer)
		same := row.recorded.Status == row.answer.Status && row.recorded.Refunded == row.answer.Refunded
		settled := row.news || same || stands(row.answer).Outdated(row.recorded, true)
		require.Equal(t, !settled, p.Contradicted(row.answer), "%v, then %v", row.recorded, row.answer)

		later := row.answer
		later.UpdatedAt = baseTime.Add(time.Second)
		require.True(t, p.Outdated(later, false))
		require.False(t, p.Contradicted(later))
		later.UpdatedAt = baseTime.Add(-time.Second)
		require.False(t, p.Outdated(later, true))
	}
	require.True(t, Payment{}.Outdated(said(Pending, 0), false), "the first answer is always news")
}

// Whatever order the snapshots of one second of a payment's life are seen in, and however often, the payment never goes back, and
// stands where the last of them is once that was seen.
func TestTheOrderOfSnapshotsOfTheSameTimeDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		life := oneSecond(t)
		p := stands(life[0])
		seen := 0
		for _, i := range append(rapid.SliceOfN(rapid.IntRange(0, len(life)-1), 0, 20).Draw(t, "seen"), len(life)-1) {
			looked := rapid.Bool().Draw(t, "looked") || i == len(life)-1
			if !p.Outdated(life[i], looked) {
				require.False(t, looked && i > seen, "%v was seen while recorded is %v", life[i], life[seen])
				continue
			}
			require.True(t, looked)
			require.Greater(t, i, seen, "it goes back from %v to %v", life[seen], life[i])
			p, seen = stands(life[i]), i
		}
		require.Equal(t, len(life)-1, seen)
	})
}

// oneSecond is what happens to a payment within one second: each change goes further, by its status or by what is refunded.
func oneSecond(t *rapid.T) []ProviderState {
	life := []ProviderState{said(rapid.SampledFrom([]Status{Pending, InReview, Authorized, Approved}).Draw(t, "first"), 0)}
	for range rapid.IntRange(0, 5).Draw(t, "changes") {
		last := life[len(life)-1]
		var next []ProviderState
		for _, s := range moves[last.Status] {
			if !slices.Contains(moves[s], last.Status) && !leads(s, last.Status) {
				next = append(next, said(s, last.Refunded))
			}
			if s == PartiallyRefunded || s == Refunded {
				next = append(next, said(s, last.Refunded+100))
			}
		}
		if len(next) == 0 {
			break
		}
		life = append(life, rapid.SampledFrom(next).Draw(t, "next"))
	}
	return life
}
