package payment

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
)

// friday is when the boletos of these tests are asked for.
var friday = time.Date(2026, 11, 27, 15, 0, 0, 0, time.UTC)

func boletoRequest() Request {
	r := request()
	r.Method = Method{Type: Boleto}
	r.Payer.Address = address
	return r.Normalized()
}

func TestABoletoNeedsWhatBanksWant(t *testing.T) {
	t.Parallel()
	rows := map[string]struct {
		change func(*Request)
		want   []string // pointers
	}{
		"least":               {func(*Request) {}, nil},
		"all":                 {func(r *Request) { r.Method.Boleto = &BoletoMethod{"2026-12-10", 200, 100, Discount{100, "2026-12-09"}} }, nil},
		"no tax id":           {func(r *Request) { r.Payer.TaxID = "" }, []string{"/payer/tax_id"}},
		"no name":             {func(r *Request) { r.Payer.Name = "" }, []string{"/payer/name"}},
		"half a name":         {func(r *Request) { r.Payer.Name = "Ana" }, []string{"/payer/name"}},
		"no address":          {func(r *Request) { r.Payer.Address = Address{} }, []string{"/payer/address"}},
		"half an address":     {func(r *Request) { r.Payer.Address.City = "" }, []string{"/payer/address/city"}},
		"no day":              {func(r *Request) { r.Method.Boleto.DueDate = "10/12/2026" }, []string{"/method/due_date"}},
		"a day that is none":  {func(r *Request) { r.Method.Boleto.DueDate = "2026-02-30" }, []string{"/method/due_date"}},
		"a fine too high":     {func(r *Request) { r.Method.Boleto.Fine = 201 }, []string{"/method/fine/basis_points"}},
		"a negative fine":     {func(r *Request) { r.Method.Boleto.Fine = -1 }, []string{"/method/fine/basis_points"}},
		"interest too high":   {func(r *Request) { r.Method.Boleto.Interest = 101 }, []string{"/method/interest/basis_points"}},
		"a discount of all":   {func(r *Request) { r.Method.Boleto.Discount = Discount{1050, "2026-12-01"} }, []string{"/method/discount/amount"}},
		"a discount of none":  {func(r *Request) { r.Method.Boleto.Discount = Discount{0, "2026-12-01"} }, []string{"/method/discount/amount"}},
		"a discount for ever": {func(r *Request) { r.Method.Boleto.Discount = Discount{Amount: 100} }, []string{"/method/discount/until"}},
		"a discount until due": {func(r *Request) {
			r.Method.Boleto = &BoletoMethod{DueDate: "2026-12-10", Discount: Discount{100, "2026-12-10"}}
		}, []string{"/method/discount/until"}},
	}
	for name, row := range rows {
		r := boletoRequest()
		row.change(&r)
		require.Equal(t, row.want, pointers(t, r.Validate()), name)
	}
}

func pointers(t *testing.T, err error) (found []string) {
	t.Helper()
	if e, ok := errors.AsType[*failure.Error](err); ok {
		for _, f := range e.Fields {
			found = append(found, f.Pointer)
		}
		return found
	}
	require.NoError(t, err)
	return nil
}

func TestTheDaysOfABoleto(t *testing.T) {
	t.Parallel()
	for due, want := range map[string][]string{
		"":           nil,
		"2026-11-26": {"/method/due_date"},
		"2026-11-27": {"/method/due_date"},
		"2026-11-28": nil,                  // a Saturday: due on Monday
		"2026-12-27": {"/method/due_date"}, // 30 days, and a Sunday
		"2026-12-24": nil,
		"2026-12-28": {"/method/due_date"},
	} {
		r := boletoRequest()
		r.Method.Boleto.DueDate = due
		require.NoError(t, r.Validate(), "the clock decides, and not the request alone")
		require.Equal(t, want, pointers(t, r.InTime(friday)), due)
	}
	for until, want := range map[string][]string{"2026-11-26": {"/method/discount/until"}, "2026-11-27": nil, "2026-12-01": nil, "2026-12-02": {"/method/discount/until"}} {
		r := boletoRequest()
		r.Method.Boleto.Discount = Discount{100, until}
		require.Equal(t, want, pointers(t, r.InTime(friday)), until)
	}
	require.NoError(t, request().InTime(friday))
}

func TestWhenABoletoEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		boleto         BoletoMethod
		due, asks, end string
	}{
		"by default":      {BoletoMethod{}, "2026-12-02", "2026-12-03T02:59:59Z", "2026-12-08T02:59:59Z"},
		"on a Saturday":   {BoletoMethod{DueDate: "2026-11-28"}, "2026-11-30", "2026-12-01T02:59:59Z", "2026-12-04T02:59:59Z"},
		"before holidays": {BoletoMethod{DueDate: "2026-12-24"}, "2026-12-24", "2026-12-25T02:59:59Z", "2026-12-31T02:59:59Z"},
		"with a fine":     {BoletoMethod{DueDate: "2026-12-01", Fine: 200}, "2026-12-01", "2026-12-02T02:59:59Z", "2027-01-01T02:59:59Z"},
		"with interest":   {BoletoMethod{DueDate: "2026-12-01", Interest: 1}, "2026-12-01", "2026-12-02T02:59:59Z", "2027-01-01T02:59:59Z"},
	} {
		r := boletoRequest()
		r.Method.Boleto = &c.boleto
		p := Payment{Request: r, CreatedAt: friday}
		p.Instructions.ExpiresAt = p.Method.End(friday)
		require.Equal(t, c.due, p.DueDate(), name)
		require.Equal(t, c.asks, p.BoletoEnd().Format(time.RFC3339), name)
		require.Equal(t, c.end, p.Instructions.ExpiresAt.Format(time.RFC3339), name)
		require.True(t, p.KeepsEnd(), name)
	}
	p := Payment{Request: boletoRequest(), CreatedAt: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	p.Method.Boleto.DueDate = "2026-12-30"
	require.Equal(t, "2026-12-30T11:59:00Z", p.BoletoEnd().Format(time.RFC3339), "the provider counts 30 days from the request")
}

// A repeated request is the same, whatever was left out in it.
func TestABoletoWithoutDetailsHasOneFingerprint(t *testing.T) {
	t.Parallel()
	r := boletoRequest()
	r.Method.Boleto = nil
	require.Equal(t, boletoRequest().Fingerprint(), r.Normalized().Fingerprint())
}
