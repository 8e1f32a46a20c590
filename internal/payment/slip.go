package payment

import (
	"strconv"
	"strings"
)

// A slip is paid by its barcode of 44 digits or by its digitable line, which a person can type: the same digits in another order, with a
// check digit for each field. There are two layouts (Febraban): a boleto's line has 47 digits, and a bill of a utility or a tax, whose
// barcode begins with 8, has 48.
const (
	barcodeDigits  = 44
	boletoDigits   = 47
	utilityDigits  = 48
	utilityProduct = '8'
)

// Slip is what a boleto is paid by.
type Slip struct {
	Line    string `json:"line,omitempty"`
	Barcode string `json:"barcode,omitempty"`
	Fault   string `json:"fault,omitempty"` // why the provider's answer has no line and barcode that can be shown; "": it has, or is about no boleto
}

// SlipOf is what the provider says a boleto of a sum is paid by. What is wrong is not shown: a buyer who types it pays nobody, or another
// sum. Of line and barcode one is enough.
func SlipOf(line, barcode string, centavos int64) Slip {
	line = plainLine(line)
	lineSays, lineIsRight := BarcodeOf(line)
	barcodeSays, barcodeIsRight := LineOf(barcode)
	switch {
	case line == "" && barcode == "":
		return Slip{Fault: "the boleto has no digitable line and no barcode"}
	case line != "" && !lineIsRight:
		return Slip{Fault: "the boleto's digitable line has wrong digits"}
	case barcode != "" && !barcodeIsRight:
		return Slip{Fault: "the boleto's barcode has wrong digits"}
	case line == "":
		line = barcodeSays
	case barcode == "":
		barcode = lineSays
	case barcode != lineSays:
		return Slip{Fault: "the boleto's digitable line and its barcode do not say the same"}
	}
	if amount := BarcodeAmount(barcode); amount != 0 && amount != centavos {
		return Slip{Fault: "the boleto's barcode is about another sum"}
	}
	return Slip{Line: line, Barcode: barcode}
}

// LineOf is the digitable line of a barcode; ok is false when the barcode is none, or its check digit is wrong.
func LineOf(barcode string) (line string, ok bool) {
	if len(barcode) != barcodeDigits || !digitsFrom(barcode, 0) || !rightBarcode(barcode) {
		return "", false
	}
	if barcode[0] == utilityProduct {
		for block := range 4 {
			field := barcode[11*block : 11*block+11]
			line += field + string(utilityDigit(barcode, field))
		}
		return line, true
	}
	for _, field := range []string{barcode[:4] + barcode[19:24], barcode[24:34], barcode[34:]} {
		line += field + string(modulo10(field))
	}
	return line + barcode[4:19], true
}

// BarcodeOf is the barcode of a digitable line, which may be written with dots and blanks; ok is false when the line is none, or one of its
// check digits is wrong.
func BarcodeOf(line string) (barcode string, ok bool) {
	line = plainLine(line)
	switch {
	case !digitsFrom(line, 0):
		return "", false
	case len(line) == boletoDigits:
		barcode = line[:4] + line[32:] + line[4:9] + line[10:20] + line[21:31]
	case len(line) == utilityDigits && line[0] == utilityProduct:
		barcode = line[:11] + line[12:23] + line[24:35] + line[36:47]
	default:
		return "", false
	}
	again, right := LineOf(barcode)
	return barcode, right && again == line
}

// BarcodeAmount is the sum in a boleto's barcode, in centavos; 0 means that the barcode names none.
func BarcodeAmount(barcode string) int64 {
	if len(barcode) != barcodeDigits || barcode[0] == utilityProduct {
		return 0
	}
	amount, _ := strconv.ParseInt(barcode[9:19], 10, 64)
	return amount
}

// SpacedLine is a boleto's line in the groups in which it is printed.
func SpacedLine(line string) string {
	if len(line) != boletoDigits {
		return line
	}
	return line[:5] + "." + line[5:10] + " " + line[10:15] + "." + line[15:21] + " " + line[21:26] + "." + line[26:32] + " " + line[32:33] + " " + line[33:]
}

func plainLine(line string) string {
	return strings.NewReplacer(".", "", " ", "", "-", "").Replace(line)
}

// rightBarcode checks the digit that covers the whole barcode.
func rightBarcode(barcode string) bool {
	if barcode[0] == utilityProduct {
		return barcode[3] == utilityDigit(barcode, barcode[:3]+barcode[4:])
	}
	digit := 11 - modulo11(barcode[:4]+barcode[5:])
	if digit > 9 { // a barcode has no check digit 0
		digit = 1
	}
	return barcode[4] == byte('0'+digit)
}

// utilityDigit is a check digit of a utility's barcode, whose third digit says how it is made.
func utilityDigit(barcode, of string) byte {
	if barcode[2] == '6' || barcode[2] == '7' {
		return modulo10(of)
	}
	if rest := modulo11(of); rest > 1 {
		return byte('0' + 11 - rest)
	}
	return '0'
}

// modulo10 weighs the digits from right to left with 2, 1, 2, 1 … and adds the digits of the products.
func modulo10(digits string) byte {
	sum, weight := 0, 2
	for i := len(digits) - 1; i >= 0; i-- {
		product := int(digits[i]-'0') * weight
		sum += product/10 + product%10
		weight = 3 - weight
	}
	return byte('0' + (10-sum%10)%10)
}

// modulo11 weighs the digits from right to left with 2, 3 … 9, 2, 3 … and returns the rest.
func modulo11(digits string) int {
	sum, weight := 0, 2
	for i := len(digits) - 1; i >= 0; i-- {
		sum += int(digits[i]-'0') * weight
		if weight++; weight > 9 {
			weight = 2
		}
	}
	return sum % 11
}
