// Package presence tells a user who else looks at the same thing. Its one rule: it only informs. It locks nothing, and while Redis is
// unavailable nobody else is seen.
package presence

import (
	"context"
	_ "embed"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/onlywave/onlywave/internal/redis"
)

// Keep is how long a look counts after the page was opened.
const Keep = 5 * time.Minute

//go:embed look.lua
var lookSource string

var lookScript = goredis.NewScript(lookSource)

// Look says that a user looks at an object.
type Look struct {
	User  string
	Since time.Time
}

// Board knows who looks at what. It is safe for concurrent use.
type Board struct{ store *redis.Store }

// New makes a board. All processes with the same Redis share it.
func New(store *redis.Store) *Board { return &Board{store} }

// Look notes that a user opens an object, such as dead_letter/…, and returns who else has it open.
func (b *Board) Look(ctx context.Context, object, user string, now time.Time) []Look {
	answer, ok := b.store.Ask(ctx, lookScript, []string{"onlywave:presence:{" + object + "}"}, user, now.Unix(), int(Keep.Seconds()))
	if !ok {
		return nil
	}
	var others []Look
	for i := 0; i+1 < len(answer); i += 2 {
		since, err := strconv.ParseInt(answer[i+1], 10, 64)
		if err == nil {
			others = append(others, Look{answer[i], time.Unix(since, 0).UTC()})
		}
	}
	return others
}
