package payment

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func day(t *testing.T, text string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, text)
	require.NoError(t, err)
	return d
}

// The days of 2026 and 2027 are those of the bankers' association (Febraban).
func TestBanksAreClosedOnNationalHolidays(t *testing.T) {
	t.Parallel()
	for _, closed := range []string{
		"2026-01-01", "2026-02-16", "2026-02-17", "2026-04-03", "2026-04-21", "2026-05-01", "2026-06-04", "2026-09-07", "2026-10-12", "2026-11-02",
		"2026-11-20", "2026-12-25", "2027-02-08", "2027-02-09", "2027-03-26", "2027-05-27", "2027-11-15",
		"2026-11-28", "2026-11-29", // a weekend
	} {
		require.False(t, isBankDay(day(t, closed)), closed)
	}
	for _, open := range []string{"2026-02-18", "2026-04-02", "2026-04-06", "2026-06-05", "2026-11-27", "2026-12-24", "2026-07-09"} {
		require.True(t, isBankDay(day(t, open)), open)
	}
}

func TestBankDaysSkipWeekendsAndHolidays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from string
		days int
		want string
	}{
		{"2026-11-27", 0, "2026-11-27"},
		{"2026-11-27", 1, "2026-11-30"}, // Friday
		{"2026-11-27", 3, "2026-12-02"},
		{"2026-11-28", 1, "2026-11-30"},
		{"2026-12-23", 3, "2026-12-29"}, // Christmas and a weekend
		{"2026-12-31", 1, "2027-01-04"},
		{"2026-02-13", 1, "2026-02-18"}, // Carnival
	} {
		require.Equal(t, c.want, addBankDays(day(t, c.from), c.days).Format(time.DateOnly), "%s and %d", c.from, c.days)
	}
	require.Equal(t, "2026-11-30", bankDay(day(t, "2026-11-28")).Format(time.DateOnly))
	require.Equal(t, "2026-11-27", bankDay(day(t, "2026-11-27")).Format(time.DateOnly))
}

func TestADayIsOneOfBrazil(t *testing.T) {
	t.Parallel()
	late := time.Date(2026, 11, 28, 2, 59, 59, 0, time.UTC)
	require.Equal(t, "2026-11-27", dayOf(late).Format(time.DateOnly))
	require.Equal(t, "2026-11-28", dayOf(late.Add(time.Second)).Format(time.DateOnly))
	require.Equal(t, late, endOf(day(t, "2026-11-27")))
}
