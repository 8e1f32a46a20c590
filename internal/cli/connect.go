package cli

import (
	"fmt"
	"log/slog"

	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/redisstore"
)

func openRedis(c config.Config, log *slog.Logger) (*redisstore.Store, error) {
	store, err := redisstore.Open(string(c.RedisURL), log)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	return store, nil
}
