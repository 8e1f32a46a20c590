package breaker

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onlywave/onlywave/internal/payment"
)

// Names are the breakers there are, one for each kind of call.
const (
	Charge = "charge" // Mercado Pago is asked for money
	Read   = "read"   // Mercado Pago is asked where a payment stands
)

// Names lists them.
func Names() []string { return []string{Charge, Read} }

// Status is a breaker as operators see it.
type Status struct {
	Name     string    `json:"name"`
	State    State     `json:"state"`
	Since    time.Time `json:"since,omitzero"`
	Until    time.Time `json:"until,omitzero"` // while open: when it lets probes through
	Openings int       `json:"openings"`       // so far
	Forced   State     `json:"forced,omitempty"`
	Actor    string    `json:"actor,omitempty"` // who forced it
	Reason   string    `json:"reason,omitempty"`
}

// Statuses reads all breakers.
func Statuses(ctx context.Context, client *redis.Client) ([]Status, error) {
	var all []Status
	for _, name := range Names() {
		fields, err := client.HGetAll(ctx, keys(name)[0]).Result()
		if err != nil {
			return nil, away(err)
		}
		s := Status{
			Name: name, State: Closed, Since: millis(fields["since"]), Forced: State(fields["forced"]),
			Actor: fields["actor"], Reason: fields["reason"],
		}
		if fields["state"] != "" {
			s.State = State(fields["state"])
		}
		if s.State == Open {
			s.Until = millis(fields["until"])
		}
		s.Openings, _ = strconv.Atoi(fields["openings"])
		all = append(all, s)
	}
	return all, nil
}

// Force holds a breaker open or closed for the whole fleet until it is set free again, which is to force it to "".
func Force(ctx context.Context, client *redis.Client, name string, to State, actor, reason string) error {
	key := keys(name)[0]
	var err error
	switch to {
	case Open, Closed:
		err = client.HSet(ctx, key, "forced", string(to), "actor", actor, "reason", reason).Err()
	case "":
		err = client.HDel(ctx, key, "forced", "actor", "reason").Err()
	default:
		return &payment.Error{Kind: payment.Invalid, Message: fmt.Sprintf("a breaker cannot be forced %s, only open or closed", to)}
	}
	if err != nil {
		return away(err)
	}
	return nil
}

func away(err error) error {
	return &payment.Error{Kind: payment.Unavailable, Message: "Redis, which holds the breakers, is away", Err: err}
}

func millis(text string) time.Time {
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
