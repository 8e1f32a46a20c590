package cli

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/redis"
)

func openRedis(c config.Config, log *slog.Logger) (*redis.Store, error) {
	store, err := redis.Open(string(c.RedisURL), log)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	return store, nil
}

// openDatabases opens the primary and, if it is set, the replica for reading lists.
func openDatabases(ctx context.Context, c config.Config) (*postgres.Store, error) {
	database, err := postgres.Open(ctx, string(c.DatabaseURL), c.DatabaseConns)
	if err != nil || c.DatabaseReplicaURL == "" {
		return database, err
	}
	if err := database.Follow(ctx, string(c.DatabaseReplicaURL), c.DatabaseReplicaConns, c.ReplicaMaxStaleness); err != nil {
		database.Close()
		return nil, err
	}
	return database, nil
}
