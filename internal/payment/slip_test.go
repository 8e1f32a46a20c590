package payment

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// slips are pairs that banks and utilities have printed: line and barcode.
var slips = map[string]struct{ line, barcode string }{
	"a boleto":                             {"23793381286000782713695000063305975520000370000", "23799755200003700003381260007827139500006330"},
	"a utility whose digits are modulo 10": {"836400000011331201380002812884627116080136181551", "83640000001331201380008128846271108013618155"},
	"a tax whose digits are modulo 11":     {"858900000204000003281833240720183105618666712531", "85890000020000003281832407201831061866671253"},
}

func TestALineAndItsBarcodeSayTheSame(t *testing.T) {
	t.Parallel()
	for name, s := range slips {
		t.Run(name, func(t *testing.T) {
			line, ok := LineOf(s.barcode)
			require.True(t, ok)
			require.Equal(t, s.line, line)
			barcode, ok := BarcodeOf(s.line)
			require.True(t, ok)
			require.Equal(t, s.barcode, barcode)
		})
	}
}

// One wrong digit anywhere is found, wherever it stands: that is what check digits are for.
func TestEveryWrongDigitOfASlipIsFound(t *testing.T) {
	t.Parallel()
	for name, s := range slips {
		t.Run(name, func(t *testing.T) {
			for i := range s.line {
				barcode, ok := BarcodeOf(withOther(s.line, i))
				require.False(t, ok && barcode == s.barcode, "digit %d of the line", i)
				require.False(t, ok, "digit %d of the line", i)
			}
			for i := range s.barcode {
				line, ok := LineOf(withOther(s.barcode, i))
				require.False(t, ok && line == s.line, "digit %d of the barcode", i)
			}
		})
	}
}

func withOther(digits string, i int) string {
	return digits[:i] + string('0'+(digits[i]-'0'+1)%10) + digits[i+1:]
}

func TestABarcodeHasNoCheckDigitZero(t *testing.T) {
	t.Parallel()
	for _, rest := range []int{0, 1} { // 11 and 10 less the rest would be two digits, or 0
		found := false
		for n := range 100 {
			free := "0019" + "00000000000100" + "00000000000000000000000" + string([]byte{byte('0' + n/10), byte('0' + n%10)})
			if modulo11(free) != rest {
				continue
			}
			found = true
			_, ok := LineOf(free[:4] + "1" + free[4:])
			require.True(t, ok)
			_, ok = LineOf(free[:4] + "0" + free[4:])
			require.False(t, ok)
		}
		require.True(t, found)
	}
}

func TestALineMayBeWrittenAsItIsPrinted(t *testing.T) {
	t.Parallel()
	s := slips["a boleto"]
	printed := SpacedLine(s.line)
	require.Equal(t, "23793.38128 60007.827136 95000.063305 9 75520000370000", printed)
	barcode, ok := BarcodeOf(printed)
	require.True(t, ok)
	require.Equal(t, s.barcode, barcode)
	require.EqualValues(t, 370000, BarcodeAmount(barcode))
	require.Zero(t, BarcodeAmount(slips["a tax whose digits are modulo 11"].barcode))
}

func TestWrongSlipsAreNotShown(t *testing.T) {
	t.Parallel()
	s, other := slips["a boleto"], slips["a utility whose digits are modulo 10"]
	right := Slip{Line: s.line, Barcode: s.barcode}
	for name, c := range map[string]struct {
		line, barcode string
		centavos      int64
		want          Slip
	}{
		"both":              {s.line, s.barcode, 370000, right},
		"a printed line":    {SpacedLine(s.line), s.barcode, 370000, right},
		"a line alone":      {s.line, "", 370000, right},
		"a barcode alone":   {"", s.barcode, 370000, right},
		"nothing":           {"", "", 370000, Slip{Fault: "the boleto has no digitable line and no barcode"}},
		"a wrong line":      {withOther(s.line, 3), s.barcode, 370000, Slip{Fault: "the boleto's digitable line has wrong digits"}},
		"a wrong barcode":   {s.line, withOther(s.barcode, 3), 370000, Slip{Fault: "the boleto's barcode has wrong digits"}},
		"two boletos":       {s.line, other.barcode, 370000, Slip{Fault: "the boleto's digitable line and its barcode do not say the same"}},
		"another sum":       {s.line, s.barcode, 370001, Slip{Fault: "the boleto's barcode is about another sum"}},
		"no sum in it":      {other.line, other.barcode, 370000, Slip{Line: other.line, Barcode: other.barcode}},
		"no digits at all":  {"código", "", 370000, Slip{Fault: "the boleto's digitable line has wrong digits"}},
		"a barcode of text": {"", "https://x", 370000, Slip{Fault: "the boleto's barcode has wrong digits"}},
	} {
		require.Equal(t, c.want, SlipOf(c.line, c.barcode, c.centavos), name)
	}
}

func TestWhatIsNoSlipIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "1", "x", "2379338128600078271369500006330597552000037000x", "8364000000113312013800028128846271160801361815519", "٢٣٧٩"} {
		_, ok := BarcodeOf(text)
		require.False(t, ok, "%q", text)
		_, ok = LineOf(text)
		require.False(t, ok, "%q", text)
		require.Zero(t, BarcodeAmount(text))
	}
}
