package payment

// validTaxID checks the two check digits of a CPF (11 digits) or a CNPJ (14 characters). Since July
// 2026 a CNPJ's first twelve characters may be letters, each worth its ASCII code minus 48 (Receita
// Federal, Instrução Normativa 2.229/2024); for digits that is the digit itself.
func validTaxID(s string) bool {
	switch len(s) {
	case 11:
		return digitsFrom(s, 0) && !allSame(s) &&
			checkDigit(s[:9], 10) == s[9] && checkDigit(s[:10], 11) == s[10]
	case 14:
		for _, c := range []byte(s[:12]) {
			if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z') {
				return false
			}
		}
		return digitsFrom(s, 12) && !allSame(s) &&
			checkDigit(s[:12], 9) == s[12] && checkDigit(s[:13], 9) == s[13]
	}
	return false
}

// checkDigit weighs the characters from right to left with 2, 3, … maxWeight, 2, 3, … and folds the
// sum modulo 11.
func checkDigit(s string, maxWeight int) byte {
	sum, weight := 0, 2
	for i := len(s) - 1; i >= 0; i-- {
		sum += int(s[i]-'0') * weight
		if weight++; weight > maxWeight {
			weight = 2
		}
	}
	if rest := sum % 11; rest >= 2 {
		return byte('0' + 11 - rest)
	}
	return '0'
}

func digitsFrom(s string, start int) bool {
	for _, c := range []byte(s[start:]) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// allSame catches 111.111.111-11 and its like, whose check digits are right but which are never issued.
func allSame(s string) bool {
	for i := 1; i < len(s); i++ {
		if s[i] != s[0] {
			return false
		}
	}
	return true
}

// PlainTaxID is a CPF or CNPJ as it is stored: without punctuation.
func PlainTaxID(text string) string { return normalizedTaxID(text) }
