package secondfactor

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rfcSecret is from the examples of RFC 6238, appendix B. Their codes have eight digits; ours are the last six.
const rfcSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

func TestCodesMatchTheStandard(t *testing.T) {
	t.Parallel()
	for at, code := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		step, codes := Match(rfcSecret, code, time.Unix(at, 0))
		require.Equal(t, []any{at / period, 1}, []any{step, codes}, code)
	}
}

func TestACodeExpires(t *testing.T) {
	t.Parallel()
	at := time.Unix(1234567890, 0)
	for late, codes := range map[time.Duration]int{
		-29 * time.Second: 1, -61 * time.Second: 0, 0: 1, 29 * time.Second: 1, 59 * time.Second: 1, 61 * time.Second: 0, time.Hour: 0,
	} {
		_, got := Match(rfcSecret, "005924", at.Add(late))
		require.Equal(t, codes, got, late)
	}
	for _, wrong := range []string{"", "005925", "5924", "0059240", "00592", "abcdef", "００５９２４", "005924005924", "005924 287082"} {
		_, codes := Match(rfcSecret, wrong, at)
		require.Zero(t, codes, wrong)
	}
	_, codes := Match("not base32!", "005924", at)
	require.Zero(t, codes)
	step, codes := Match(rfcSecret, " 005 924 ", at)
	require.Equal(t, []any{at.Unix() / period, 1}, []any{step, codes}, "apps show codes in groups")
}

func TestTwoCodesInARow(t *testing.T) {
	t.Parallel()
	first, second := time.Unix(1234567890, 0), time.Unix(1234567890+period, 0)
	codeAt := func(at time.Time) string {
		code, err := hotpCode(rfcSecret, at.Unix()/period)
		require.NoError(t, err)
		return code
	}
	both := codeAt(first) + " " + codeAt(second)
	for _, now := range []time.Time{first, second, second.Add(period * time.Second)} {
		step, codes := Match(rfcSecret, both, now)
		require.Equal(t, []any{second.Unix() / period, 2}, []any{step, codes}, now)
	}
	for _, wrong := range []string{codeAt(second) + codeAt(first), codeAt(first) + codeAt(first), codeAt(first) + "000000"} {
		_, codes := Match(rfcSecret, wrong, second)
		require.Zero(t, codes)
	}
	_, codes := Match(rfcSecret, both, second.Add(time.Hour))
	require.Zero(t, codes)
}

func TestAnEnrolmentSetsUpAnApp(t *testing.T) {
	t.Parallel()
	e, err := Enrol("ana.souza")
	require.NoError(t, err)
	require.Regexp(t, `^[A-Z2-7]{32}$`, e.Secret)
	require.Equal(t, Resume("ana.souza", e.Secret), e, "a reloaded page shows the same")
	other, err := Enrol("ana.souza")
	require.NoError(t, err)
	require.NotEqual(t, e.Secret, other.Secret)
	now := time.Now()
	code, err := hotpCode(e.Secret, now.Unix()/period)
	require.NoError(t, err)
	_, codes := Match(e.Secret, code, now)
	require.Equal(t, 1, codes)
}

func TestASealOpensOnlyForItsUserAndKey(t *testing.T) {
	t.Parallel()
	s, err := NewSeal(strings.Repeat("k", 32))
	require.NoError(t, err)
	sealed := s.Close("ana", rfcSecret)
	require.NotContains(t, sealed, rfcSecret)
	require.NotEqual(t, sealed, s.Close("ana", rfcSecret))
	secret, err := s.Open("ana", sealed)
	require.NoError(t, err)
	require.Equal(t, rfcSecret, secret)
	other, err := NewSeal(strings.Repeat("l", 32))
	require.NoError(t, err)
	for name, open := range map[string]func() (string, error){
		"another user": func() (string, error) { return s.Open("rui", sealed) },
		"another key":  func() (string, error) { return other.Open("ana", sealed) },
		"cut off":      func() (string, error) { return s.Open("ana", sealed[:20]) },
		"nothing":      func() (string, error) { return s.Open("ana", "") },
		"no base64":    func() (string, error) { return s.Open("ana", "!") },
	} {
		_, err := open()
		require.ErrorIs(t, err, ErrSealed, name)
	}
}

func TestARecoveryCodeMatchesItsHash(t *testing.T) {
	t.Parallel()
	codes, hashes := NewRecoveryCodes("ana")
	require.Len(t, codes, RecoveryCodes)
	seen := map[string]bool{}
	for i, code := range codes {
		require.Regexp(t, `^[a-z2-7]{4}(-[a-z2-7]{4}){3}$`, code)
		require.False(t, seen[code])
		seen[code] = true
		require.True(t, IsRecoveryCode(code))
		for _, written := range []string{code, strings.ToUpper(code), strings.ReplaceAll(code, "-", ""), strings.ReplaceAll(code, "-", " ")} {
			require.Equal(t, hashes[i], HashRecoveryCode("ana", written))
		}
		require.NotEqual(t, hashes[i], HashRecoveryCode("rui", code))
	}
	for _, other := range []string{"", "123456", "123456 654321"} {
		require.False(t, IsRecoveryCode(other), other)
	}
}
