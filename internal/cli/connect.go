package cli

import (
	"fmt"
	"log/slog"

	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/redis"
)

func openRedis(c config.Config, log *slog.Logger) (*redis.Store, error) {
	store, err := redis.Open(string(c.RedisURL), log)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	return store, nil
}
