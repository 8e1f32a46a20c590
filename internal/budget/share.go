package budget

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// share is the part of the budget that a worker keeps to while Redis is away: an equal one, by the number of workers that
// were seen last. All together they stay below the whole, whoever of them is still there.
type share struct {
	mu      sync.Mutex
	whole   int
	workers int
	limiter *rate.Limiter
}

func newShare(whole int) *share {
	return &share{whole: whole, workers: 1, limiter: rate.NewLimiter(rate.Limit(whole), max(1, whole))}
}

// among says how many workers there are.
func (s *share) among(workers int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if workers = max(workers, 1); workers != s.workers {
		s.workers = workers
		s.limiter.SetLimit(rate.Limit(float64(s.whole) / float64(workers)))
		s.limiter.SetBurst(max(1, s.whole/workers))
	}
}

// take answers as the fleet's budget would.
func (s *share) take(p Priority, ahead time.Duration) (admitted bool, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.whole == 0 {
		return true, 0
	}
	now := time.Now()
	missing := float64(p.of(s.limiter.Burst())) + 1 - s.limiter.TokensAt(now)
	wait = max(0, time.Duration(missing/float64(s.limiter.Limit())*float64(time.Second)))
	if wait > ahead {
		return false, wait
	}
	s.limiter.ReserveN(now, 1)
	return true, wait
}
