package payment

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
)

func request() Request {
	return Request{
		Amount: Money{1050, BRL}, Description: "Order 1042", Reference: "order-1042",
		Method:   Method{Type: Pix, ExpiresIn: 3600},
		Payer:    Payer{Email: "ana@example.com", Name: "Ana Souza", TaxID: "12345678909"},
		Metadata: map[string]string{"cart": "c-7"},
	}
}

var address = Address{ZipCode: "01310100", Street: "Avenida Paulista", Number: "1000", Neighborhood: "Bela Vista", City: "São Paulo", State: "SP"}

// Two spellings of one address are one request.
func TestAnAddressIsStoredWithoutPunctuation(t *testing.T) {
	r := request()
	r.Payer.Address = Address{ZipCode: "01.310-100", Street: " Avenida  Paulista ", Number: "1000", Neighborhood: "Bela Vista", City: "São Paulo", State: "sp"}
	require.Equal(t, address, r.Normalized().Payer.Address)
}

func TestValidateNamesEachWrongField(t *testing.T) {
	rows := map[string]struct {
		change func(*Request)
		want   []string // pointers
	}{
		"all right":         {func(r *Request) {}, nil},
		"least":             {func(r *Request) { r.Amount.Centavos = 1 }, nil},
		"zero":              {func(r *Request) { r.Amount.Centavos = 0 }, []string{"/amount"}},
		"negative":          {func(r *Request) { r.Amount.Centavos = -1 }, []string{"/amount"}},
		"huge":              {func(r *Request) { r.Amount.Centavos = 1e18 }, []string{"/amount"}},
		"other currency":    {func(r *Request) { r.Amount.Currency = "USD" }, []string{"/currency"}},
		"no method":         {func(r *Request) { r.Method = Method{} }, []string{"/method/type"}},
		"too short a life":  {func(r *Request) { r.Method.ExpiresIn = 1799 }, []string{"/method/expires_in"}},
		"shortest life":     {func(r *Request) { r.Method.ExpiresIn = 1800 }, nil},
		"longest life":      {func(r *Request) { r.Method.ExpiresIn = 30 * 24 * 3600 }, nil},
		"too long a life":   {func(r *Request) { r.Method.ExpiresIn = 30*24*3600 + 1 }, []string{"/method/expires_in"}},
		"no e-mail":         {func(r *Request) { r.Payer.Email = "" }, []string{"/payer/email"}},
		"half an e-mail":    {func(r *Request) { r.Payer.Email = "ana@" }, []string{"/payer/email"}},
		"e-mail with name":  {func(r *Request) { r.Payer.Email = "Ana <ana@example.com>" }, []string{"/payer/email"}},
		"e-mail, no domain": {func(r *Request) { r.Payer.Email = "ana@localhost" }, []string{"/payer/email"}},
		"two e-mails":       {func(r *Request) { r.Payer.Email = "a@b.co, c@d.co" }, []string{"/payer/email"}},
		"bad CPF":           {func(r *Request) { r.Payer.TaxID = "12345678900" }, []string{"/payer/tax_id"}},
		"an address":        {func(r *Request) { r.Payer.Address = address }, nil},
		"short CEP":         {func(r *Request) { r.Payer.Address = address; r.Payer.Address.ZipCode = "0131010" }, []string{"/payer/address/zip_code"}},
		"CEP with a letter": {func(r *Request) { r.Payer.Address = address; r.Payer.Address.ZipCode = "0131010O" }, []string{"/payer/address/zip_code"}},
		"unknown state":     {func(r *Request) { r.Payer.Address = address; r.Payer.Address.State = "XX" }, []string{"/payer/address/state"}},
		"long street":       {func(r *Request) { r.Payer.Address = address; r.Payer.Address.Street = strings.Repeat("ç", 129) }, []string{"/payer/address/street"}},
		"long house number": {func(r *Request) { r.Payer.Address = address; r.Payer.Address.Number = strings.Repeat("1", 21) }, []string{"/payer/address/number"}},
		"card in the city":  {func(r *Request) { r.Payer.Address = address; r.Payer.Address.City = "4235 6477 2802 5682" }, []string{"/payer/address/city"}},
		"half an address": {func(r *Request) { r.Payer.Address = Address{ZipCode: "01310100", State: "SP"} }, []string{
			"/payer/address/street", "/payer/address/number", "/payer/address/neighborhood", "/payer/address/city",
		}},
		"notify by pigeon":   {func(r *Request) { r.Payer.NotifyBy = "pigeon" }, []string{"/payer/notify_by"}},
		"notify by e-mail":   {func(r *Request) { r.Payer.NotifyBy = ByEmail; r.Payer.Language = English }, nil},
		"notify in Latin":    {func(r *Request) { r.Payer.Language = "la" }, []string{"/payer/language"}},
		"no tax id":          {func(r *Request) { r.Payer.TaxID = "" }, nil},
		"long description":   {func(r *Request) { r.Description = strings.Repeat("ç", 257) }, []string{"/description"}},
		"full description":   {func(r *Request) { r.Description = strings.Repeat("ç", 256) }, nil},
		"long reference":     {func(r *Request) { r.Reference = strings.Repeat("x", 65) }, []string{"/reference"}},
		"long metadata":      {func(r *Request) { r.Metadata["a/b"] = strings.Repeat("x", 501) }, []string{"/metadata/a~1b"}},
		"empty metadata key": {func(r *Request) { r.Metadata[""] = "x" }, []string{"/metadata"}},
		"card in metadata":   {func(r *Request) { r.Metadata["note"] = "4235 6477 2802 5682" }, []string{"/metadata/note"}},
		"card as key":        {func(r *Request) { r.Metadata["4235647728025682"] = "x" }, []string{"/metadata"}},
		"NUL described":      {func(r *Request) { r.Description = "a\x00b" }, []string{"/description"}},
		"described in lines": {func(r *Request) { r.Description = "a\r\n\tb" }, nil},
		"lines in metadata":  {func(r *Request) { r.Metadata["note"] = "a\n\tb" }, nil},
		"newline in key":     {func(r *Request) { r.Metadata["a\nb"] = "x" }, []string{"/metadata"}},
		"reference in lines": {func(r *Request) { r.Reference = "a\nb" }, []string{"/reference"}},
		"name from the left": {func(r *Request) { r.Payer.Name = "\u202eana" }, []string{"/payer/name"}},
		"hidden in metadata": {func(r *Request) { r.Metadata["note"] = "a\u200bb" }, []string{"/metadata/note"}},
		"card described":     {func(r *Request) { r.Description = "paid by 5031-4332-1540-6351 11/30" }, []string{"/description"}},
		"several":            {func(r *Request) { r.Amount.Centavos = 0; r.Payer.Email = "x" }, []string{"/amount", "/payer/email"}},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			r := request()
			row.change(&r)
			err := r.Validate()
			if row.want == nil {
				require.NoError(t, err)
				return
			}
			require.Equal(t, failure.Invalid, failure.KindOf(err))
			e, _ := errors.AsType[*failure.Error](err)
			var got []string
			for _, f := range e.Fields {
				require.NotEmpty(t, f.Detail)
				got = append(got, f.Pointer)
			}
			require.Equal(t, row.want, got)
		})
	}
}

func TestEqualRequestsHaveOneFingerprint(t *testing.T) {
	spelled := request()
	spelled.Payer.TaxID = "123.456.789-09"
	spelled.Payer.Name = "  Ana   Souza "
	spelled.Payer.Language = Portuguese
	spelled.Metadata = map[string]string{"cart": "c-7"}
	require.Equal(t, request().Normalized().Fingerprint(), spelled.Normalized().Fingerprint())

	for name, change := range map[string]func(*Request){
		"amount":   func(r *Request) { r.Amount.Centavos++ },
		"payer":    func(r *Request) { r.Payer.Email = "bia@example.com" },
		"metadata": func(r *Request) { r.Metadata = map[string]string{"cart": "c-8"} },
		"expiry":   func(r *Request) { r.Method.ExpiresIn++ },
	} {
		other := request()
		change(&other)
		require.NotEqual(t, request().Fingerprint(), other.Fingerprint(), name)
	}
}

// A key may be repeated after a release: what a request could not say before must not change the fingerprint of one that does
// not say it.
func TestTheFingerprintOfARequestIsFixed(t *testing.T) {
	require.Equal(t, "74a1b498adfc4e1f6157726b4561a22b", request().Fingerprint())
}

func TestNormalizedFillsInTheDefaultExpiry(t *testing.T) {
	r := request()
	r.Method.ExpiresIn = 0
	require.Equal(t, 86400, r.Normalized().Method.ExpiresIn)
}

func TestTaxIDs(t *testing.T) {
	rows := map[string]bool{
		"12345678909": true, "52998224725": true, "12345678900": false, "11111111111": false, "1234567890": false,
		"1234567890a":    false,
		"11222333000181": true, "11222333000180": false, "00000000000000": false,
		"12ABC34501DE35": true, // the example of the Receita Federal's own announcement
		"12ABC34501DE36": false, "12abc34501de35": false, "12ABC34501DE3A": false,
	}
	for id, want := range rows {
		require.Equal(t, want, validTaxID(id), id)
	}
}
