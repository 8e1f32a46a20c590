package payment

// ContainsCardNumber says whether text holds a card number: 13 to 19 digits, in one run or in groups
// with a space or dash between them, that begin as cards do (ISO/IEC 7812) and pass the Luhn check.
// Groups are tried in every neighbouring combination, so that an expiry date behind the number hides
// nothing, while a longer number, such as a boleto's, is not cut into pieces.
func ContainsCardNumber(text string) bool {
	var groups []string // neighbours with one separator between them
	start := -1
	for i := 0; i <= len(text); i++ {
		if i < len(text) && text[i] >= '0' && text[i] <= '9' {
			if start < 0 {
				start = i
			}
			continue
		}
		if start >= 0 {
			groups = append(groups, text[start:i])
			start = -1
			if combinesToCard(groups) {
				return true
			}
		} else {
			groups = nil // two separators in a row
		}
		if i < len(text) && text[i] != ' ' && text[i] != '-' {
			groups = nil
		}
	}
	return false
}

// combinesToCard tries the combinations that end with the last group.
func combinesToCard(groups []string) bool {
	number := ""
	for i := len(groups) - 1; i >= 0; i-- {
		number = groups[i] + number
		if len(number) > 19 {
			return false
		}
		if startsLikeCard(number) && luhn(number) {
			return true
		}
	}
	return false
}

// startsLikeCard knows the lengths that are in use: 13 digits are old Visa cards, 14 Diners, 15 Amex.
// Without it, one telephone number in ten would be refused.
func startsLikeCard(number string) bool {
	switch first := number[0]; len(number) {
	case 13:
		return first == '4'
	case 14, 15:
		return first == '3'
	case 16, 17, 18, 19:
		return first >= '2' && first <= '6'
	}
	return false
}

func luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		n := int(number[i] - '0')
		if (len(number)-i)%2 == 0 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}
