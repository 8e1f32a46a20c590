package cliext

import (
	"fmt"
	"io"
	"log/slog"
)

// NewLogger logs to w, from the level and in the format that the options name.
func NewLogger(options CommonOptions, w io.Writer) (*slog.Logger, error) {
	if options.LogLevel.Value == "never" {
		return slog.New(slog.DiscardHandler), nil
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(options.LogLevel.Value)); err != nil {
		return nil, fmt.Errorf("--log-level: %w", err)
	}
	settings := &slog.HandlerOptions{Level: level}
	if options.LogFormat.Value == "json" {
		return slog.New(slog.NewJSONHandler(w, settings)), nil
	}
	return slog.New(slog.NewTextHandler(w, settings)), nil
}
