package migrations

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// unreleased is how many migrations could break a program of the version before: there was none.
const unreleased = 9

var (
	comment = regexp.MustCompile(`--[^\n]*`)
	// contracting is what takes away what a program of the version before reads, writes or names in a conflict.
	contracting = regexp.MustCompile(`(?i)\bdrop\s+(table|column|view|type|constraint|default)\b|\brename\b|\battach\s+partition\b|` +
		`\bset\s+not\s+null\b|\balter\s+column\s+\w+\s+(set\s+data\s+)?type\b|\badd\s+(constraint|check|unique|foreign)\b`)
	column = regexp.MustCompile(`(?i)\badd\s+column\b[^,;]*`)
	needed = regexp.MustCompile(`(?i)\bnot\s+null\b`)
	filled = regexp.MustCompile(`(?i)\bdefault\b`)
	admits = regexp.MustCompile(`(?m)^-- Contracts: \S`)
)

// breaks is what a migration does that the programs which run meanwhile, of the version before, may not survive.
func breaks(migration string) []string {
	sql := comment.ReplaceAllString(migration, "")
	found := contracting.FindAllString(sql, -1)
	for _, added := range column.FindAllString(sql, -1) {
		if needed.MatchString(added) && !filled.MatchString(added) {
			found = append(found, added)
		}
	}
	return found
}

// While a new version is rolled out the old one goes on with the new schema: see docs/database.md, "Changing the schema". What
// contracts says in its head since when no program needs it any more.
func TestMigrationsLeaveTheVersionBeforeAtWork(t *testing.T) {
	t.Parallel()
	files, err := Files.ReadDir(".")
	require.NoError(t, err)
	for _, file := range files[unreleased:] {
		text, err := Files.ReadFile(file.Name())
		require.NoError(t, err)
		if !admits.Match(text) {
			require.Empty(t, breaks(string(text)), file.Name())
		}
	}
}

func TestMigrationsHaveNumbersOfTheirOwn(t *testing.T) {
	t.Parallel()
	files, err := Files.ReadDir(".")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	numbers := map[string]bool{}
	for _, file := range files {
		name := file.Name()
		require.Regexp(t, `^\d{5}_[a-z_]+\.sql$`, name)
		require.False(t, numbers[name[:5]], "%s: the number is taken", name)
		numbers[name[:5]] = true
	}
}

func TestWhatContractsIsSeen(t *testing.T) {
	t.Parallel()
	for sql, seen := range map[string]bool{
		"alter table payments drop column reference":                                       true,
		"DROP TABLE nudges":                                                                true,
		"alter table payments\n  rename column reference to ref":                           true,
		"alter table users alter column role set not null":                                 true,
		"alter table users alter column role type integer using role::int":                 true,
		"alter table users add column team text not null":                                  true,
		"alter table users add constraint known check (role <> '')":                        true,
		"ALTER TABLE users ADD COLUMN team text":                                           false,
		"alter table users add column team text not null default ''":                       false,
		"create table teams (id text primary key, name text not null)":                     false,
		"drop index concurrently if exists x; create index concurrently x on users (role)": false,
		"-- drop table nudges later\ncreate table teams (id text)":                         false,
	} {
		require.Equal(t, seen, len(breaks(sql)) > 0, sql)
	}
}
